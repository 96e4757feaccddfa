# minnorm: see README.md. Every target is listed by `make help`.
#
# Settings: BUILD (folder for everything made), CC, CFLAGS, CPPFLAGS, LDFLAGS, PREFIX, LIBDIR, DESTDIR, DATA_DIR, NATIVE=1
# (tune for this machine; the default build is portable), WERROR=1 (a warning is an error), SETUP=no (demo and test install
# nothing), ONLY="WORD..." (test only what has a word in its name).
VERSION  := 0.1.0
SONAME   := libminnorm.so.0
BUILD    ?= build
CC       ?= cc
CFLAGS   ?= -O3 -g
PREFIX   ?= /usr/local
LIBDIR   ?= $(PREFIX)/lib
DATA_DIR ?= data

# Dependency tiers, as Debian packages; `a|b` is satisfied by either, and the first is what gets installed.
DEPS_BUILD := build-essential libopenblas-dev|libopenblas-openmp-dev|libopenblas-serial-dev zlib1g-dev \
              libcjson-dev librandom123-dev libpng-dev libfftw3-dev \
              libcurl4-openssl-dev|libcurl4-gnutls-dev
DEPS_RUN   := ca-certificates gnuplot-nox|gnuplot
DEPS_TEST  := libcmocka-dev pkg-config|pkgconf python3 python3-numpy groff-base
DEPS_CHECK := valgrind lcov clang-format
DEPS_PAGE  := chromium|chromium-browser|google-chrome-stable # a test opens a page; skipped without

# What the demonstration runs: the main job on the data set the program draws itself.
DEMO := fit --train synth:digits,n=6000 --test synth:digits,part=test,n=2000

WARN        := -Wall -Wextra -Wpedantic -Wconversion
MN_CPPFLAGS  = -Iinclude -DMINNORM_VERSION='"$(VERSION)"'
MN_CFLAGS   := -std=c11 -fopenmp -fPIC $(WARN) -MMD -MP $(if $(NATIVE),-march=native) $(if $(WERROR),-Werror)
MN_LDFLAGS  := -fopenmp -Wl,--as-needed
LIBS        := -llapack -lblas -lfftw3f -lz -lcjson -lpng -lcurl -lm

LIB_SRC     := $(sort $(wildcard src/*/*.c))
TOOL_SRC    := $(sort $(wildcard tools/*.c))
TEST_SRC    := $(sort $(wildcard tests/*/test_*.c))
SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
ORACLE_SRC  := $(filter-out $(TEST_SRC) $(SUPPORT_SRC) tests/install/%,$(sort $(wildcard tests/*/*.c)))
HEADERS     := $(sort $(wildcard include/minnorm.h include/minnorm/*.h))

LIB_OBJ     := $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_OBJ    := $(TOOL_SRC:%.c=$(BUILD)/%.o)
TEST_OBJ    := $(TEST_SRC:%.c=$(BUILD)/%.o)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(BUILD)/%.o)
ORACLE_OBJ  := $(ORACLE_SRC:%.c=$(BUILD)/%.o)
TEST_BIN    := $(TEST_SRC:%.c=$(BUILD)/%)
ALL_OBJ     := $(LIB_OBJ) $(TOOL_OBJ) $(TEST_OBJ) $(SUPPORT_OBJ) $(ORACLE_OBJ)
STATIC      := $(BUILD)/libminnorm.a
SHARED      := $(BUILD)/libminnorm.so.$(VERSION)

# Recursive calls use every core unless the caller chose a number.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))
AGAIN = +@$(MAKE) --no-print-directory $(JOBS)

.DELETE_ON_ERROR:
.SECONDEXPANSION:
.PHONY: all lib docs tests deps deps-test deps-check deps-page demo test run-tests check-deps check-style install uninstall asan \
        ubsan valgrind cov results results-check bench data fmt clean help FORCE

all: lib $(BUILD)/minnorm                      ## the command and both libraries, in $(BUILD)
lib: $(STATIC) $(SHARED)                       ## the libraries alone
tests: $(TEST_BIN)                             ## the test programs, without running them
docs: $(BUILD)/minnorm.1 $(BUILD)/minnorm.bash ## man page and bash completion, from the option table

# ---- compiling and linking

# Holds the command that made the objects; touched only when that changes, so that no folder ever mixes two sets of flags.
# Expanded here and now: it must not hold what is added below for the objects of one kind that happen to ask for it first.
$(BUILD)/flags: export MN_NOW := $(CC) $(MN_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) $(MN_CFLAGS) $(LDFLAGS)
# The same for the members of the library: it is made anew when a source file is removed.
$(BUILD)/members: export MN_NOW := $(LIB_SRC)
$(BUILD)/flags $(BUILD)/members: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$MN_NOW" | cmp -s - $@ || printf '%s\n' "$$MN_NOW" > $@

$(ALL_OBJ): $(BUILD)/%.o: %.c $(BUILD)/flags Makefile
	@mkdir -p $(@D)
	$(CC) $(MN_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) $(MN_CFLAGS) -c $< -o $@

# The library shows its public headers only; the command sees nothing else; tests see everything.
$(LIB_OBJ): MN_CPPFLAGS += -Isrc
$(LIB_OBJ): MN_CFLAGS += -fvisibility=hidden
# Synthetic data has the same bytes everywhere: no fused multiply-add where the source says multiply, then add.
$(filter $(BUILD)/src/data/synth%,$(LIB_OBJ)): MN_CFLAGS += -ffp-contract=off
# Loops with sqrt and comparisons become vector code only where neither errno nor a floating-point trap can be observed.
$(filter $(BUILD)/src/gram/transforms_%,$(LIB_OBJ)): MN_CFLAGS += -fno-math-errno -fno-trapping-math
$(filter $(BUILD)/src/features/wavelets_loops_%,$(LIB_OBJ)): MN_CFLAGS += -fno-math-errno -fno-trapping-math -ffp-contract=fast
$(TEST_OBJ) $(SUPPORT_OBJ) $(ORACLE_OBJ): MN_CPPFLAGS += -Isrc -Itests/support

$(STATIC): $(LIB_OBJ) $(BUILD)/members
	rm -f $@ && ar rcs $@ $(LIB_OBJ)

$(SHARED): $(LIB_OBJ) $(BUILD)/members
	$(CC) $(CFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--no-undefined $(MN_LDFLAGS) $(LDFLAGS) $(LIB_OBJ) $(LIBS) -o $@

$(BUILD)/minnorm: $(TOOL_OBJ) $(STATIC)
	$(CC) $(CFLAGS) $(MN_LDFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

# A test program is its own file, what tests/support holds, and the other (oracle) files of its folder.
oracles = $(filter $(dir $1)%,$(ORACLE_OBJ))
$(TEST_BIN): %: %.o $(SUPPORT_OBJ) $$(call oracles,$$@) $(STATIC)
	$(CC) $(CFLAGS) $(MN_LDFLAGS) $(LDFLAGS) $^ -lcmocka $(LIBS) -o $@

$(BUILD)/minnorm.1: $(BUILD)/minnorm
	$< help --man > $@
$(BUILD)/minnorm.bash: $(BUILD)/minnorm
	$< help --completion > $@

-include $(ALL_OBJ:.o=.d)

# ---- set-up, demonstration, tests

SET_UP = @$(if $(filter no,$(SETUP)),:,sh tools/setup.sh)
deps:       ; $(SET_UP) $(foreach d,$(DEPS_BUILD) $(DEPS_RUN),'$d')              ## installs what building and running need
deps-test:  ; $(SET_UP) $(foreach d,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST),'$d') ## ... and the tests
deps-check: ; $(SET_UP) $(foreach d,$(DEPS_CHECK),'$d')                          ## ... and valgrind, cov, fmt
deps-page:  ; $(SET_UP) $(foreach d,$(DEPS_PAGE),'$d')                           ## ... and the test of a page in a browser

demo: deps                                     ## sets up, builds, and runs the main job on data the program draws
	$(AGAIN) all
	$(BUILD)/minnorm $(DEMO)
	@printf '\nWhat to run next:\n'
	@printf '  %s\n' '$(BUILD)/minnorm fit --help' '$(BUILD)/minnorm data --train synth:digits,n=100 --png digits.png' \
	  '$(BUILD)/minnorm fit --train csv:FILE --save MODEL   # your own data; IDX, CIFAR-10, NPY and LIBSVM text too' \
	  'make data && $(BUILD)/minnorm fit --dataset mnist    # downloads MNIST and CIFAR-10 first' \
	  'make test' 'sudo make install'

test: deps-test                                ## sets up, builds, and runs every test
	$(AGAIN) run-tests

run-tests: all tests
	@BUILD=$(BUILD) CC='$(CC)' bash tests/run.sh $(ONLY)

check-deps:                                    ## the directions of #include
	@tests/check-deps.sh
check-style:                                   ## the lengths of functions and files
	@tests/check-style.sh

SANITIZED = -O1 -g -fno-omit-frame-pointer
asan: deps-test                                ## every test with the address and leak sanitizers, in build-asan
	$(AGAIN) BUILD=build-asan CFLAGS="$(SANITIZED) -fsanitize=address" run-tests
ubsan: deps-test                               ## every test with the undefined-behaviour sanitizer, in build-ubsan
	$(AGAIN) BUILD=build-ubsan CFLAGS="$(SANITIZED) -fsanitize=undefined -fno-sanitize-recover=all" run-tests

MEMCHECK := valgrind -q --fair-sched=yes --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
            --show-leak-kinds=definite
# Tests compare bits with those of children that run outside of valgrind: OpenBLAS is held to kernels that both have.
valgrind: deps-test deps-check                 ## every test under valgrind, in build-valgrind
	+@OPENBLAS_CORETYPE=Haswell TEST_WRAPPER='$(MEMCHECK)' TEST_LIMIT=3600 $(MAKE) --no-print-directory $(JOBS) BUILD=build-valgrind CFLAGS="-O1 -g" run-tests

cov: deps-test deps-check                      ## coverage of every test, in build-cov/html
	@if [ -d build-cov ]; then find build-cov -name '*.gcda' -delete; fi
	$(AGAIN) BUILD=build-cov CFLAGS="-O0 -g --coverage" run-tests
	lcov -q -c -d build-cov/src -d build-cov/tools -b . --no-external -o build-cov/cov.info
	genhtml -q build-cov/cov.info -o build-cov/html
	lcov --summary build-cov/cov.info

results: all                                   ## the study of norms at its quick size, into results/norms
	MINNORM=$(abspath $(BUILD))/minnorm tools/bench/norms.sh results/norms
results-check: all                             ## ... into another folder, and compares
	rm -rf $(BUILD)/norms $(BUILD)/norms.kept
	MINNORM=$(abspath $(BUILD))/minnorm tools/bench/norms.sh $(BUILD)/norms
	python3 tools/bench/norms_check.py results/norms/norms.json $(BUILD)/norms/norms.json

bench: all                                     ## Gram, factor and solve against this machine's own dgemm rate
	$(BUILD)/minnorm bench
data: all                                      ## fetches MNIST and CIFAR-10 into $(DATA_DIR)
	$(BUILD)/minnorm data download all --data-dir $(DATA_DIR)

# ---- installing

BIN_DIR  = $(DESTDIR)$(PREFIX)/bin
LIB_DIR  = $(DESTDIR)$(LIBDIR)
INC_DIR  = $(DESTDIR)$(PREFIX)/include
MAN_DIR  = $(DESTDIR)$(PREFIX)/share/man/man1
COMP_DIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions

install: all docs                              ## into $(DESTDIR)$(PREFIX)
	install -d $(BIN_DIR) $(LIB_DIR)/pkgconfig $(INC_DIR)/minnorm $(MAN_DIR) $(COMP_DIR)
	install -m 755 $(BUILD)/minnorm $(BIN_DIR)/minnorm
	install -m 644 $(STATIC) $(LIB_DIR)/libminnorm.a
	install -m 644 $(SHARED) $(LIB_DIR)/libminnorm.so.$(VERSION)
	ln -sf libminnorm.so.$(VERSION) $(LIB_DIR)/$(SONAME)
	ln -sf $(SONAME) $(LIB_DIR)/libminnorm.so
	install -m 644 include/minnorm.h $(INC_DIR)/minnorm.h
	install -m 644 $(filter include/minnorm/%,$(HEADERS)) $(INC_DIR)/minnorm
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|; s|@LIBS@|$(LIBS)|' minnorm.pc.in \
	  > $(LIB_DIR)/pkgconfig/minnorm.pc
	install -m 644 $(BUILD)/minnorm.1 $(MAN_DIR)/minnorm.1
	install -m 644 $(BUILD)/minnorm.bash $(COMP_DIR)/minnorm
	$(if $(DESTDIR),,-ldconfig 2>/dev/null)

uninstall:                                     ## removes exactly what install put there
	rm -f $(BIN_DIR)/minnorm $(LIB_DIR)/libminnorm.a $(LIB_DIR)/libminnorm.so $(LIB_DIR)/$(SONAME)
	rm -f $(LIB_DIR)/libminnorm.so.$(VERSION) $(LIB_DIR)/pkgconfig/minnorm.pc $(MAN_DIR)/minnorm.1 $(COMP_DIR)/minnorm
	rm -f $(HEADERS:include/%=$(INC_DIR)/%)
	if [ -d $(INC_DIR)/minnorm ]; then rmdir $(INC_DIR)/minnorm; fi

# ---- housekeeping

fmt:                                           ## formats every C file
	clang-format -i $(HEADERS) $(wildcard src/*/*.[ch] tools/*.[ch] tools/*/*.[ch] tests/*/*.[ch])

clean:                                         ## removes everything made
	rm -rf $(BUILD) build-asan build-ubsan build-valgrind build-cov

help:                                          ## this list
	@echo "make TARGET, version $(VERSION):"
	@sed -n 's/^\([a-z-]*\):.*## /\1:/p' Makefile | awk -F: '{ printf "  %-12s %s\n", $$1, $$2 }'

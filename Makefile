# minnorm: see README.md. Every target is listed by `make help`.
VERSION := 0.1.0
BUILD   ?= build
CC      ?= cc
WARN    := -Wall -Wextra -Wpedantic -Wconversion
CFLAGS  ?= -O3 -g
CPPFLAGS += -Iinclude -Isrc -DMINNORM_VERSION='"$(VERSION)"'
MN_CFLAGS = -std=c11 -fopenmp -fPIC $(WARN) -MMD -MP
LIBS    := -llapack -lblas -lfftw3 -lfftw3f -lz -lcjson -lpng -lcurl -lm

LIB_SRC  := $(sort $(wildcard src/*/*.c))
TOOL_SRC := $(sort $(wildcard tools/*.c))
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/%.o)
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)

all: $(BUILD)/minnorm

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(MN_CFLAGS) -c $< -o $@

$(BUILD)/libminnorm.a: $(LIB_OBJ)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/minnorm: $(TOOL_OBJ) $(BUILD)/libminnorm.a
	$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/tests/support/support.o $(BUILD)/libminnorm.a
	$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) $^ -lcmocka $(LIBS) -o $@

$(BUILD)/tests/%.o: CPPFLAGS += -Itests/support
.SECONDARY:

tests: $(TEST_BIN)

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(TEST_BIN:=.d)

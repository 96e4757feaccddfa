# Sourced by the scripts whose runs `results/` holds: a list of runs of minnorm, made one after another.
#
#   runs_add NAME [COMMAND] OPTIONS    a run, of `minnorm fit` where no COMMAND is given; SCRATCH, KEPT, DATA and FOLDER stand for folders, GAMMA:NAME for what that run has chosen
#   runs_main FOLDER [NAME...] or --list or --help
#
# SCRATCH is new for each run; KEPT is $KEPT, FOLDER.kept by default, and stays: kept products are worth hours.
# Every run leaves NAME.json, NAME.txt and, of a fit, NAME.forecast.json; what is there already is not run again.
minnorm=${MINNORM:-${BUILD:-$(dirname "${BASH_SOURCE[0]}")/../../build}/minnorm}
runs=() runs_made=0

runs_add() {
  local name=$1 command=fit
  shift
  [[ $1 == -* ]] || { command=$1 && shift; }
  runs+=("$name $command $*")
}
runs_usage() { sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; }
runs_fail() { echo "$(basename "$0"): $1" >&2 && exit "${2:-1}"; }

runs_wanted() { # NAME [WANTED...]
  local name=$1 one
  shift
  [ $# -gt 0 ] || return 0
  for one in "$@"; do [ "$one" != "$name" ] || return 0; done
  return 1
}

runs_gamma() { # NAME
  python3 -c 'import json, sys; print(repr(json.load(open(sys.argv[1]))["kernel"]["gamma"]))' "$runs_folder/$1.json"
}

runs_one() { # NAME COMMAND OPTIONS
  local to=$runs_folder/$1 line=$2 scratch=$runs_folder/scratch from
  [ ! -e "$to.json" ] || return 0
  if [[ $line =~ GAMMA:([^ ]+) ]]; then
    from=${BASH_REMATCH[1]}
    line=${line//GAMMA:$from/$(runs_gamma "$from")}
  fi
  line=${line//SCRATCH/$scratch}
  line=${line//KEPT/$runs_kept}
  line=${line//DATA/${MINNORM_DATA:-data}}
  read -ra options <<< "${line//FOLDER/$runs_folder}"
  mkdir -p "$scratch" "$runs_kept"
  # A process that ends gives its memory back to the host of a virtual machine for seconds, at the cost of these cores.
  [ $runs_made = 0 ] || sleep 15
  runs_made=1
  echo "$(date +%T) $1" >&2
  [[ $line != fit\ * || $line == *--load-gram* ]] || "$minnorm" "${options[@]}" --dry-run --json "$to.forecast.json" > /dev/null
  "$minnorm" "${options[@]}" --json "$to.json" > "$to.txt"
  rm -rf "$scratch"
}

runs_main() {
  local run
  case ${1:---help} in
    --help | -h) runs_usage && exit 0 ;;
    --list)
      for run in "${runs[@]}"; do echo "${run%% *}: minnorm ${run#* }"; done
      exit 0
      ;;
    -*) runs_fail "unknown option $1" 2 ;;
  esac
  runs_folder=$1 runs_kept=${KEPT:-${1%/}.kept} && shift
  mkdir -p "$runs_folder"
  [ -x "$minnorm" ] || runs_fail "$minnorm is not there; make first, or set BUILD or MINNORM"
  for run in "${runs[@]}"; do
    if runs_wanted "${run%% *}" "$@"; then runs_one "${run%% *}" "${run#* }"; fi
  done
}

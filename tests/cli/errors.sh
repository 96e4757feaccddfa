#!/bin/bash
# --draw-errors of fit and predict: the misclassified images with their labels, and when there is nothing to draw.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
sides() { od -An -tu1 -j16 -N8 "$1" | awk '{ print $3 * 256 + $4, $7 * 256 + $8 }'; } # width, height
run_fit=(fit --train synth:digits,n=60 --gamma 0.02)
test_set=(--test synth:digits,part=test,n=50)

run "${run_fit[@]}" "${test_set[@]}" --draw-errors errors.png --labels labels.txt --json fit.json --save model
ok 'fit' same "$status" 0
wrong=$(awk -v e="$(field fit.json test_error)" 'BEGIN { printf "%d", e * 50 + 0.5 }')
ok 'some are misclassified' less 0 "$wrong"
ok 'the table says how many' grep -q "^errors  *$wrong misclassified, errors.png\$" out
columns=$((wrong < 20 ? wrong : 20)) rows=$(((wrong + 19) / 20))
ok 'each has a picture and a strip' same "$(sides errors.png)" "$((columns * 30 - 2)) $((rows * 37 - 2))"
accepts 'predict' predict --model model "${test_set[@]}" --draw-errors same.png
ok 'draws the same' cmp errors.png same.png
ok 'and says the same' grep -q "^errors  *$wrong misclassified, same.png\$" out
accepts 'samples without error' predict --model model --test synth:digits,n=60 --draw-errors none.png
ok 'make no file' test ! -e none.png
ok 'as the table says' grep -qx 'errors  *0 misclassified' out

# What is drawn, of one image: label 12 predicted as 3, by a model that knows two images only.
printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\30' > train.idx
{ head -c 48 /dev/zero && head -c 48 /dev/zero | tr '\0' '\377'; } >> train.idx
printf '\0\0\10\1\0\0\0\2\14\3' > train.labels
printf '\0\0\10\3\0\0\0\1\0\0\0\2\0\0\0\30' > test.idx && head -c 48 /dev/zero | tr '\0' '\376' >> test.idx
printf '\0\0\10\1\0\0\0\1\14' > test.labels
if [ -n "$python" ]; then
  run fit --train idx:train.idx,train.labels --test idx:test.idx,test.labels --gamma 1 -q --draw-errors one.png
  ok 'one error' same "$status" 0
  $python - one.png > drawn.txt << 'PYTHON'
import struct, sys, zlib
b, at, data = open(sys.argv[1], "rb").read(), 8, b""
while at < len(b):
    size, kind = struct.unpack(">I4s", b[at : at + 8])
    if kind == b"IHDR":
        width, height, depth, colour = struct.unpack(">IIBB", b[at + 8 : at + 18])
    if kind == b"IDAT":
        data += b[at + 8 : at + 8 + size]
    at += size + 12
raw, line, lines = zlib.decompress(data), bytes(width), []
for y in range(height):
    kind, row = raw[y * (width + 1)], bytearray(raw[y * (width + 1) + 1 : (y + 1) * (width + 1)])
    for x in range(width):
        a, up, corner = row[x - 1] if x else 0, line[x], line[x - 1] if x else 0
        p = a + up - corner
        paeth = min((abs(p - a), 0, a), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
        row[x] = (row[x] + (0, a, up, (a + up) // 2, paeth)[kind]) % 256
    line = bytes(row)
    lines.append(line)
for row in lines:
    print("".join({0: ".", 255: "#"}.get(v, "+") for v in row))
PYTHON
  cat > wanted.txt << 'PICTURE'
++++++++++++++++++++++++
++++++++++++++++++++++++
........................
..#..###.#...###........
.##....#..#....#........
..#..###...#.###........
..#..#....#....#........
.###.###.#...###........
........................
PICTURE
  ok 'is drawn above 12>3' diff wanted.txt drawn.txt
else
  skip 'an error is drawn above 12>3' 'python3 is not installed'
fi

# ---- what cannot be drawn is said before the work
refuses 'no test samples' 2 '--draw-errors needs test samples' "${run_fit[@]}" --draw-errors x.png
refuses 'no images' 2 'no grey or coloured images' fit --train synth:gaussian,n=9,d=3 --test synth:gaussian,n=9,d=3 --draw-errors x.png
refuses 'no labels' 2 'no class labels' fit --train idx:train.idx,train.labels --test idx:test.idx --draw-errors x.png
refuses 'a folder that is not there' 1 'fit: --draw-errors: ' "${run_fit[@]}" "${test_set[@]}" --draw-errors no/x.png
ok 'and leaves nothing' test ! -e x.png
finish

#!/bin/bash
# minnorm norms: models out of reports and logs, ranks against test errors, the page, what is refused.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=200 --test synth:digits,part=test,n=100)

accepts 'a sweep with measures' sweep -q "${digits[@]}" --gamma 0.02 --corrupt 0,0.5,1 --seed 0,1 --measures --log pixels.jsonl --json pixels.json
accepts 'another one' sweep -q "${digits[@]}" --gamma 0.01,0.04 --ridge 0,0.1 --json grid.json
accepts 'a fit of features' fit -q "${digits[@]}" --features gabor --gamma 0.05 --loo --json gabor.json

run norms pixels.jsonl grid.json gabor.json --json norms.json
ok 'a table of them' same "$status $(grep -c 'synth:digits, .*: gaussian, gamma ' out)" '0 10'
ok '  by what they are of' contains out 'synth:digits, gabor: gaussian, gamma 0.05, n 200, 6400 features'
ok '  and how they differ' contains out 'gamma 0.02, n 200, corrupt 0.5, seed 1'
ok 'ranks of the norm' grep -Eq '^norm +10 +-?[0-9.]+ +-?[0-9.]+ +6 ' out
ok '  and of a measure, where there are any' grep -Eq '^stability_mean +5 +-?[0-9.]+ +-?[0-9.]+ +1 +- +-$' out
ok 'the report is JSON' valid_json norms.json
ok '  of all models' same "$(grep -c '"model":' norms.json)" 10
accepts 'the norm of a model against a fit' fit -q "${digits[@]}" --gamma 0.04 --json fit.json
ok '  is the same' contains norms.json "\"norm\":	$(field fit.json norm)"
accepts 'a log and the report of the same sweep' norms pixels.jsonl pixels.json grid.json gabor.json --json both.json
ok '  hold the same models' same "$(grep -c '"model":' both.json)" 10

# Over the corruption the norm rises with the test error; so it does in the sweep's own words.
run norms pixels.jsonl --json - 
ok 'random labels have larger norms' less 0.5 "$(sed -n 's/.*"spearman":\t\([^,]*\).*/\1/p' out | head -n 1)"

tr -d '\n\t' < gabor.json > gabor.line
accepts 'a page' norms pixels.jsonl gabor.json --page page.html
ok '  of two kinds' contains page.html 'synth:digits, gabor'
ok '  that fetches nothing' lacks page.html 'http'
ok '  and names its points' same "$(grep -c '<title>synth:digits, pixels: gaussian, gamma 0.02, n 200, corrupt 1, seed 1; norm [0-9.]*, test error [0-9.]* %</title>' page.html)" \
  "$(grep -c '<figure>' page.html)"
run norms pixels.jsonl --page -
ok 'a page on standard output' same "$status $(head -n 1 out) $(tail -n 1 out)" '0 <!DOCTYPE html> </html>'
if command -v python3 > /dev/null; then
  ok 'the page is well formed' python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' page.html
else
  skip 'the page is well formed' 'python3 is not installed'
fi

# In a browser, as a reader would: a click on "test error", once and again, and a pointer that enters a mark.
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -n "$browser" ]; then
  {
    cat page.html
    cat << 'END'
<script>
const heads = [...document.querySelectorAll('th button')].filter(b => b.textContent === 'test error');
const column = () => [...heads[0].closest('table').tBodies[0].rows].map(r => r.cells[4].textContent).join(' ');
heads[0].click();
const up = column();
heads[0].click();
const down = column(), mark = document.querySelector('.p');
mark.dispatchEvent(new PointerEvent('pointerenter')); // a window without a display need not have the focus
document.title = [up, down, document.querySelector('output').textContent === mark.querySelector('title').textContent,
  performance.getEntriesByType('resource').length, document.documentElement.scrollWidth <= innerWidth].join('; ');
</script>
END
  } > probe.html
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/browser" \
    --window-size=390,800 --dump-dom "file://$work/probe.html" > seen.html 2> browser.err
  title=$(sed -n 's/.*<title>\([^<]* %[^<]*\)<.*/\1/p' seen.html | head -n 1)
  sorted=$(sed -n 's/.*"test_error":\([0-9.]*\).*/\1/p' pixels.jsonl gabor.line | sort -n | awk '{ printf "%s%.2f %%", (NR > 1 ? " " : ""), 100 * $1 }')
  ok 'a browser sorts the models' same "${title%%;*}" "$sorted"
  ok '  both ways' same "$(cut -d';' -f2 <<< "$title" | grep -o '[0-9.]* %' | tac | tr '\n' ' ')" "$sorted "
  ok '  names a mark, fetches nothing, and is no wider than a phone' same "$(cut -d';' -f3- <<< "$title")" ' true; 0; true'
else
  skip 'the page in a browser' 'chromium is not installed'
fi
if command -v gnuplot > /dev/null; then
  accepts 'a picture' norms pixels.jsonl gabor.json --plot norms.svg
  ok '  of the kinds' contains norms.svg 'synth:digits, gabor'
  for margin in -0.5 0.5; do
    echo "{\"dataset\":\"d\",\"test_error\":0.5,\"norm\":2,\"measures\":{\"normalised_margin_tenth\":$margin}}"
  done > margins.json
  accepts 'a picture of margins below 0' norms -q margins.json --plot margins.svg
  ok '  has all models, and the key of each panel' same "$(grep -c '<use .*translate' margins.svg)" 6
else
  skip 'a picture' 'gnuplot is not installed'
fi

accepts 'a regression' fit -q --train synth:regression,n=60 --test synth:regression,part=test,n=60 --gamma 1 --json smooth.json
run norms smooth.json
ok 'a regression has no error rate to rank by' same "$status $(grep -c 'No ranks' out) $(grep -c 'Spearman' out)" '0 1 0'

refuses 'no files' 2 'files of results expected' norms
refuses 'a file that is not there' 1 'nowhere.json' norms nowhere.json
accepts 'targets of 1 and -1' fit -q --train synth:digits,n=30 --targets pm1 --gamma 0.02 --json signs.json
run norms signs.json
ok '  are named' grep -q 'n 30, targets pm1$' out
echo 'a letter' > letter.txt
refuses 'a file of something else' 1 'letter.txt: a JSON object expected' norms letter.txt
run info --json info.json
refuses 'a report of no model' 1 'no results' norms info.json
refuses 'two results in one file' 2 'the same file' norms gabor.json --json x --page x
refuses '  whichever they are' 2 'the same file' norms gabor.json --json x.svg --plot x.svg
refuses 'a page in no folder' 1 'nowhere' norms gabor.json --page "$work/nowhere/page.html"
finish

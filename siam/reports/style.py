"""The look of the report: light and dark, from a phone's width to a sheet of paper."""

from siam.drawing.colours import NEGATIVE, POSITIVE

STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --ink: #1f2933; --soft: #5b6875; --line: #dfe4ea; }
@media (prefers-color-scheme: dark) {
  :root { --page: #11161c; --ink: #e6eaee; --soft: #9aa7b4; --line: #2c3640; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 20px 56px; }
h1 { font-size: 1.7rem; line-height: 1.25; font-weight: 650; margin: 4px 0 20px; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; font-weight: 650; margin: 0 0 14px; }
section { margin-top: 44px; }
p { margin: 0 0 12px; max-width: 70ch; }
small, .quiet, footer { color: var(--soft); font-size: 0.875rem; font-weight: 400; }
.lead { font-size: 1.1rem; margin-top: 20px; }
.scores { display: flex; flex-wrap: wrap; gap: 12px 44px; margin: 0; }
.scores dt { color: var(--soft); font-size: 0.875rem; }
.scores dd { margin: 0; font-size: 2rem; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.scores small { font-size: 1rem; }
figure { margin: 0; min-width: 0; }
figcaption { display: flex; justify-content: space-between; gap: 8px; font-variant-numeric: tabular-nums; }
img { display: block; height: auto; max-width: 100%; }
.maps { display: grid; gap: 20px; }
.maps figcaption { margin-bottom: 6px; }
.maps img { width: auto; max-height: 520px; margin: 0 auto; }
.scale { display: flex; flex-wrap: wrap; justify-content: space-between; max-width: 420px; margin: 16px 0 0 auto;
  font-size: 0.875rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.bar { flex: 0 0 100%; height: 10px; margin-bottom: 4px; outline: 1px solid var(--line);
  background: linear-gradient(to right, NEGATIVE, #ffffff, POSITIVE); }
.tiles { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px 12px; margin-bottom: 14px; }
.tiles img { box-sizing: content-box; width: auto; max-width: calc(100% - 20px); max-height: 320px;
  margin: calc(10px - var(--frame)) auto; border: var(--frame) solid var(--colour); }
.tiles figcaption { padding: 0 10px; line-height: 1.35; }
.tiles small { display: block; }
svg { display: block; width: 100%; max-width: 500px; height: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 400; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); }
th.n { text-align: right; }
thead th { color: var(--soft); font-size: 0.875rem; }
td:last-child, th:last-child { padding-right: 0; }
.n { text-align: right; white-space: nowrap; }
.b { width: 28%; }
.b i { display: block; height: 9px; min-width: 1px; }
.card { display: grid; grid-template-columns: minmax(90px, max-content) 1fr; gap: 6px 20px; margin: 0; }
.card dt { color: var(--soft); }
.card dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
ul { margin: 0; padding-left: 1.1em; }
footer { margin-top: 44px; padding-top: 14px; border-top: 1px solid var(--line); }
@media (min-width: 760px) {
  .maps { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .maps.n3 { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 48px; }
}
@media (max-width: 480px) {
  .b { display: none; }
  th, td { padding-right: 10px; }
  .card { grid-template-columns: 1fr; gap: 0; }
  .card dd { margin-bottom: 8px; }
  .card .card { grid-template-columns: minmax(90px, max-content) 1fr; gap: 0 16px; }
  .card .card dd { margin-bottom: 0; }
  .tiles figcaption { padding: 0 4px; }
}
@media print {
  :root { color-scheme: light; --page: #ffffff; --ink: #000000; --soft: #444444; --line: #cccccc; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10.5pt; }
  main { padding: 0; }
  section { margin-top: 24px; }
  figure, tr, svg, header { break-inside: avoid; }
  h2 { break-after: avoid; }
}
""".replace("NEGATIVE", NEGATIVE).replace("POSITIVE", POSITIVE)

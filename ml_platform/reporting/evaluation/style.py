"""The page's style: light, printable, from 320 pixels up."""

STYLE = """
:root { color-scheme: light; --ink: #1f2937; --soft: #4b5563; --line: #e5e7eb; --pass: #15803d;
  --fail: #b91c1c; --unsure: #b45309; --blue: #1d4ed8; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink);
  background: #f8fafc; margin: 0; overflow-wrap: break-word; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: 0 0 .6rem; }
small { font-size: .83rem; color: var(--soft); }
ul { margin: 0 0 .6rem; padding-left: 1.2rem; }
li { margin: .2rem 0; }
code, pre { font: .84em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: #0f172a; color: #f1f5f9; padding: .8rem 1rem; border-radius: .5rem; white-space:
  pre-wrap; overflow-wrap: anywhere; font-size: .88rem; }
.note { color: var(--soft); }
.kicker { color: var(--soft); margin: 0; font-size: .85rem; }
section, .card { background: #fff; border: 1px solid var(--line); border-radius: .75rem; padding:
  1.1rem 1.25rem; min-width: 0; }
section { margin-top: 1rem; scroll-margin-top: .5rem; }
.top { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 1rem; margin-top:
  1rem; }
.verdict { border-left-width: .5rem; }
.verdict .word { font-size: 3rem; font-weight: 800; line-height: 1; margin: 0 0 .5rem; }
.go { border-left-color: var(--pass); }
.go .word { color: var(--pass); }
.nogo { border-left-color: var(--fail); }
.nogo .word { color: var(--fail); }
.missing { font-weight: 600; margin: .8rem 0 .2rem; }
.plain { list-style: none; padding: 0; }
.plain small { display: block; }
.plain br { display: none; }
.sure { border-top: 1px solid var(--line); padding-top: .7rem; margin: .9rem 0 0; }
.high { color: var(--pass); }
.medium { color: var(--unsure); }
.low { color: var(--fail); }
.lead { font-size: 1.06rem; margin: 1.1rem .25rem; max-width: 58rem; }
.lead p { margin-bottom: .35rem; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .6rem;
  }
.tile { background: #fff; border: 1px solid var(--line); border-top: .25rem solid #9ca3af;
  border-radius: .5rem; padding: .55rem .7rem; color: inherit; text-decoration: none; display: flex;
  flex-wrap: wrap; gap: .15rem .5rem; align-items: center; justify-content: space-between;
  font-weight: 600; font-size: .95rem; }
.tile > span:first-child { flex-basis: 100%; }
.tile .chip { order: 1; }
.tile .score { order: 2; }
.tile:hover, .tile:focus-visible { box-shadow: 0 0 0 2px #bfdbfe; }
.tile.pass { border-top-color: var(--pass); }
.tile.fail { border-top-color: var(--fail); }
.tile.insufficient { border-top-color: var(--unsure); }
.score { font-weight: 700; white-space: nowrap; }
.chip { display: inline-block; font-size: .72rem; font-weight: 700; letter-spacing: .03em; padding:
  .1rem .45rem; border-radius: 1rem; background: #f3f4f6; color: #4b5563; white-space: nowrap; }
.chip.pass { background: #dcfce7; color: #166534; }
.chip.fail { background: #fee2e2; color: #991b1b; }
.chip.insufficient, .chip.simulated { background: #fef3c7; color: #92400e; }
.chip.real { background: #dbeafe; color: #1e40af; }
.answer .chip { vertical-align: .1em; }
.answer .score { margin: 0 .3rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr));
  gap: 1rem; align-items: start; margin-top: 1.2rem; }
figure { margin: 0; min-width: 0; max-width: 34rem; }
figcaption { font-weight: 600; font-size: .92rem; margin-bottom: .2rem; }
svg { display: block; max-width: 100%; }
svg.chart { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: #4b5563; paint-order: stroke; stroke: #fff;
  stroke-width: 3px; }
svg text.label { fill: #1f2937; }
svg text.figure { fill: #1f2937; }
svg text.strong { fill: #1e3a8a; font-weight: 700; stroke: #eff6ff; }
svg text.limit { fill: #b91c1c; }
.headline text { font-size: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .9rem; font-size: .83rem; color: var(--soft); }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right:
  .35em; }
.limit-key { color: var(--fail); }
.limit-key::before { content: "- - "; font-weight: 700; }
.gates, .parts, .checked { list-style: none; padding: 0; margin: 0; }
.gates li { display: grid; grid-template-columns: minmax(0, 16rem) minmax(0, 1fr); gap: .1rem
  1.2rem; padding: .65rem 0; border-bottom: 1px solid var(--line); margin: 0; }
.gates li:last-child { border-bottom: 0; }
.gates p { grid-column: 2; margin: 0; font-size: .92rem; }
.gates .gate { grid-row: span 3; }
.gate .chip { margin-left: .4rem; }
.gate code { color: var(--soft); display: block; font-size: .76rem; }
.figures { grid-column: 2; display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: .8rem;
  align-items: center; }
.figures small { font-variant-numeric: tabular-nums; }
.remedy { color: var(--unsure); }
.parts li { display: grid; grid-template-columns: 11rem minmax(4rem, 14rem) 2.2rem minmax(0, 1fr);
  gap: 0 .8rem; align-items: center; }
.bar { background: #f3f4f6; border-radius: 1rem; height: .6rem; overflow: hidden; display: block; }
.bar i { display: block; height: 100%; border-radius: 1rem; }
.good { background: var(--pass); }
.middling { background: #d97706; }
.poor { background: var(--fail); }
.points { font-variant-numeric: tabular-nums; font-weight: 600; text-align: right; }
.checked { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr));
  gap: .1rem 1rem; }
.open { list-style: none; padding: 0; }
.open li { padding-left: 1.7rem; position: relative; }
.open li::before { content: "☐"; position: absolute; left: 0; top: -.1em; font-size: 1.15em; color:
  var(--soft); }
details { border-top: 1px solid var(--line); margin-top: 1rem; padding-top: .6rem; }
summary { cursor: pointer; font-weight: 600; color: var(--blue); }
.wide { overflow-x: auto; max-width: 100%; margin-bottom: .6rem; }
table { border-collapse: collapse; font-size: .9rem; min-width: min(100%, 24rem); }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; color: var(--soft); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { white-space: normal; vertical-align: bottom; }
td:first-child, th:first-child { position: sticky; left: 0; background: #fff; padding-left: 0; }
td:first-child code { color: var(--soft); }
.confusion { min-width: 0; }
.confusion td { text-align: right; padding: .3rem .45rem; border: 1px solid #fff;
  font-variant-numeric: tabular-nums; }
.confusion td:first-child { position: static; }
.confusion td.dark { color: #fff; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); }
.confusion thead th { vertical-align: bottom; padding: .2rem .45rem; }
.facts { display: grid; grid-template-columns: minmax(0, 14rem) minmax(0, 1fr); gap: .3rem 1rem;
  margin: 0; font-size: .92rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
@media (max-width: 46rem) {
  main { padding: 1rem .6rem 2rem; }
  section, .card { padding: .9rem .85rem; }
  .top { grid-template-columns: minmax(0, 1fr); }
  h1 { font-size: 1.55rem; }
  .strip { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .45rem; }
  .gates li { grid-template-columns: minmax(0, 1fr); }
  .gates p, .figures { grid-column: 1; }
  .gates .gate { grid-row: auto; }
  .figures { grid-template-columns: minmax(0, 1fr); gap: .1rem; }
  .parts li { grid-template-columns: minmax(0, 1fr) 5rem 2.2rem; margin: .5rem 0; }
  .parts small { grid-column: 1 / -1; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: .5rem; }
  th, td { padding: .35rem .45rem; }
  table { font-size: .82rem; }
  td small { font-size: .76rem; }
  .confusion { font-size: .72rem; }
  .confusion td, .confusion thead th { padding: .25rem .22rem; }
  
}
@media print {
  body { background: #fff; font-size: 11pt; }
  main { max-width: none; padding: 0; }
  section, .card { border: 0; border-radius: 0; padding: .4rem 0; }
  .verdict { border-left: .4rem solid; padding-left: .8rem; }
  figure, .gates li, .tile, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .wide { overflow: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  pre { background: #fff; color: var(--ink); border: 1px solid var(--line); }
}
"""
"""Style sheet of the page."""

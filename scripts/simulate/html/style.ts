import { themeStyle } from "./theme.ts";

/** The style sheet of the report. */
export const style = `${themeStyle(":root")}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:64rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.2rem;margin:2.5rem 0 .5rem}
p,figcaption,dt,small{color:var(--faint)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(9.5rem,100%),1fr));gap:.6rem 1.5rem;margin:1rem 0}
dt{font-size:.8rem}
dd{margin:0}
figure{margin:1rem 0}
figcaption{font-size:.9rem;margin-bottom:.4rem}
svg{display:block;width:100%;height:auto}
svg.narrow{display:none}
.scroll{overflow-x:auto;border:1px solid var(--grid);border-radius:6px}
.scroll:focus-visible,summary:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.85rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
caption{text-align:left;padding:.5rem .7rem;color:var(--faint)}
th,td{padding:.4rem .7rem;text-align:right;border-top:1px solid var(--grid);white-space:nowrap}
th{font-weight:600}
tbody th,thead th:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
tr.own th,tr.own td{font-weight:700}
summary{cursor:pointer;padding:.4rem 0}
@media (max-width:640px){tbody th{white-space:normal;min-width:9rem}svg.wide{display:none}svg.narrow{display:block}}
@media print{body{max-width:none}details{break-inside:avoid}}
`;

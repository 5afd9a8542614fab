"""The report's style sheet: light and dark by the reader's setting, and for paper."""

from __future__ import annotations

_SHEET = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f27;--soft:#5b6472;--line:#dfe3e9;
--lane:#eef1f5;--accent:#3457d5;--hot:#c62f3b;--hotbg:rgba(198,47,59,.1);--talk:#7a8699;--seen:#4f9a8c;
--o1:rgba(240,160,30,.16);--o2:rgba(240,130,20,.26);--o3:rgba(225,75,50,.28);--o4:rgba(205,30,55,.34);
--at:10,92,76;
--p0:#3457d5;--p1:#c2571a;--p2:#23845f;--p3:#8e44ad;--p4:#b8860b;--p5:#1487a8;--p6:#c0397b;--p7:#5f6b1f;
--e0:#d9483b;--e1:#7f8f2e;--e2:#7d57c1;--e3:#e0a100;--e4:#3f7fcf;--e5:#d06aa8;--e6:#9aa3af}
@media(prefers-color-scheme:dark){:root{--bg:#12151b;--card:#1b1f27;--ink:#e8ebf0;--soft:#9aa5b5;
--line:#303743;--lane:#252b35;--accent:#8ea6ff;--hot:#ff7a80;--hotbg:rgba(255,110,120,.15);--talk:#8a97ab;
--seen:#5fb3a3;--at:95,224,196;
--o1:rgba(240,170,60,.16);--o2:rgba(245,145,50,.26);--o3:rgba(245,95,75,.32);--o4:rgba(250,70,95,.42);
--p0:#8ea6ff;--p1:#f0935c;--p2:#5fc79c;--p3:#c38be0;--p4:#e0b64a;--p5:#5cc3e0;--p6:#f07fb5;--p7:#b5c25a;
--e0:#e8695c;--e1:#a3b54a;--e2:#a487e0;--e3:#e8b93a;--e4:#6aa3e8;--e5:#e28fc3;--e6:#7d8795}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:36px}
.kicker{margin:0 0 6px;font-size:13px;letter-spacing:.06em;text-transform:uppercase;color:var(--soft)}
h1{font-size:28px;line-height:1.2;margin:0 0 6px;overflow-wrap:anywhere}
h2{font-size:19px;margin:0 0 12px}
h3{font-size:15px;margin:0 0 2px}
p{margin:0 0 10px}
.meta,.soft,.sub{color:var(--soft)}
.sub{margin:0 0 12px;font-size:14px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 22px;margin:18px 0}
.warn{border-color:var(--hot);background:var(--hotbg)}
.warn p{margin:0}
nav{margin:14px 0 0;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:18px 0;padding:0;
list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tiles b{display:block;font-size:24px;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles span{color:var(--soft);font-size:13px;display:block}
.tiles .hot b{color:var(--hot)}
.chart{margin:0 0 26px}
.chart:last-child{margin-bottom:0}
.plot{overflow-x:auto}
.plot svg{display:block;width:100%;min-width:620px;height:auto;font:12px system-ui,sans-serif}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:2px 0 6px;padding:0;font-size:13px;
color:var(--soft)}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.legend i.line{height:3px;border-radius:2px;vertical-align:4px}
.legend i.f{display:none}
svg text{fill:var(--soft)}
svg .l{fill:var(--ink);font-weight:600}
svg .u,svg .t{font-size:11px}
svg .frame{fill:none;stroke:var(--line)}
svg .lane{fill:var(--lane)}
svg .g{stroke:var(--line);fill:none}
svg .zero{stroke:var(--talk);stroke-dasharray:2 4;opacity:.7}
svg .band{fill:var(--hotbg)}
svg .c{fill:none;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}
svg .f{stroke-width:1;opacity:.28}
svg .w{stroke-width:2}
svg path.limit{stroke:var(--hot);stroke-dasharray:6 4}
svg text.limit{fill:var(--hot);font-size:11px;paint-order:stroke;stroke:var(--card);stroke-width:4px;
stroke-linejoin:round}
svg .hot{fill:var(--hot)}
svg .talk{fill:var(--talk)}
svg .seen{fill:var(--seen)}
svg .in{fill:#10131a;text-anchor:middle;font-size:11.5px;pointer-events:none}
svg .a{stroke:none;opacity:.85}
svg .s0,svg .s1{fill:#f0a01e}
svg .s2{fill:#f08214}
svg .s3{fill:#e14b32}
svg .s4{fill:#cd1e37}
table{border-collapse:collapse;width:100%;font-size:14px}
.wide{overflow-x:auto}
.wide table{min-width:760px}
th,td{text-align:left;vertical-align:top;padding:8px 12px 8px 0;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--soft);font-weight:600;font-size:13px;white-space:nowrap}
td.n,th.n{font-variant-numeric:tabular-nums;white-space:nowrap}
tbody th{font-weight:600}
th .soft{font-weight:400}
.meter{display:inline-block;width:64px;height:8px;border-radius:4px;background:var(--lane);margin-left:8px;
vertical-align:1px}
.meter i{display:block;height:100%;border-radius:4px;background:var(--hot)}
.talkers{list-style:none;margin:0;padding:0}
.talkers li{display:grid;grid-template-columns:64px 92px 1fr auto;gap:12px;padding:5px 10px;margin:1px 0;
border-left:4px solid transparent;border-radius:4px}
.talkers time,.talkers .s{color:var(--soft);font-size:13px;font-variant-numeric:tabular-nums;padding-top:2px;
white-space:nowrap}
.talkers .who{font-weight:600;font-size:14px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.talkers.nowho li{grid-template-columns:64px 1fr auto}
.talkers li:target{outline:2px solid var(--accent)}
.o1{background:var(--o1)}
.o2{background:var(--o2)}
.o3{background:var(--o3)}
.o4{background:var(--o4)}
.talkers .o3,.talkers .o4{border-color:var(--hot)}
mark{background:none;color:inherit;font-weight:700;border-bottom:2.5px solid var(--hot)}
.at1,.at2,.at3,.at4{text-decoration:overline 3px rgba(var(--at),.25)}
.at2{text-decoration-color:rgba(var(--at),.5)}
.at3{text-decoration-color:rgba(var(--at),.75)}
.at4{text-decoration-color:rgb(var(--at))}
.key{display:flex;flex-wrap:wrap;gap:6px 14px;font-size:13px;color:var(--soft);margin:0 0 12px}
.key span{padding:1px 8px;border-radius:4px}
.shots{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px;margin:0}
.shots figure{margin:0}
.shots img{width:100%;height:auto;border-radius:8px;display:block}
.shots figcaption{font-size:13px;color:var(--soft);margin-top:3px}
dl{display:grid;grid-template-columns:170px 1fr;gap:6px 16px;margin:0}
dt{font-weight:600}
dd{margin:0}
dd div{margin-bottom:8px}
code{font:13px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.tag{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:0 9px;font-size:12.5px;
color:var(--soft);margin:0 6px 4px 0}
ul.plain{margin:4px 0 0;padding-left:18px}
footer{color:var(--soft);font-size:13px;padding-bottom:40px}
@media(max-width:640px){main,header,footer{padding:0 12px}
section{padding:16px 14px}
dl{grid-template-columns:1fr;gap:0}
.talkers li,.talkers.nowho li{grid-template-columns:56px 1fr auto}
.talkers .who{grid-column:2/4}
.talkers .x{grid-column:2}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff}
body{font-size:11pt}
section,.tiles li{border-radius:0;border-color:#bbb}
section{padding:10px 0;border-width:1px 0 0}
nav{display:none}
.wide table,.plot svg{min-width:0}
.wide,.plot{overflow:visible}
.chart,.talkers li,tr,.shots figure{break-inside:avoid}
h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
main,header,footer{max-width:none;padding:0}}
"""

# Lines and dots of persons, areas of modalities, strips of expressions; the same colours in legends.
_PERSONS = (
    "svg .p@{stroke:var(--p@)}svg .d.p@{fill:var(--p@);stroke:none}svg .m@{fill:var(--p@)}"
    ".legend .p@,.legend .m@{background:var(--p@)}"
)
_EXPRESSIONS = "svg .e@{fill:var(--e@)}.legend .e@{background:var(--e@)}"

STYLE = (
    _SHEET
    + "".join(_PERSONS.replace("@", str(n)) for n in range(8))
    + "".join(_EXPRESSIONS.replace("@", str(n)) for n in range(7))
)

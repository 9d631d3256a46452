import { label, type Part, type Point, picture } from "../generate/pictures/svg.ts";
import { frontOf } from "../simulate/front.ts";
import { axisFor, type Scale } from "./axis.ts";
import { type ComparedPolicy, type Figures, policies, type Run, runOf, traces } from "./figures.ts";
import { areasAlong, placeLabels } from "./labels.ts";

type Trace = (typeof traces)[number];

const [width, height] = [880, 776];
const panel = { width: 432, height: 352, left: 62, right: 16, top: 38, bottom: 44 };

/** A policy's place in the chart of a trace, and its names: of several with the same figures there is one mark. */
interface Mark {
  readonly at: Point;
  readonly kind: ComparedPolicy["of"];
  readonly isGood: boolean;
  readonly names: readonly string[];
}

/** Whether a run left no job without its end. */
export const isGood = ({ killed, unserved }: Run) => killed === 0 && unserved === 0;

/** What the picture and the tables call a policy. */
export const nameOf = ({ policy, webhook }: ComparedPolicy) => (webhook ? policy : `${policy}, no webhook`);

/** The policies that no other beats on a trace. Oracles and those that kill jobs are left out. */
export function frontOn(figures: Figures, trace: Trace["name"]): readonly ComparedPolicy[] {
  const real = policies.filter((each) => each.of !== "oracle" && isGood(runOf(figures, trace, each.key)));
  return frontOf(real, ({ key }) => {
    const { hours, wait } = runOf(figures, trace, key);
    return [hours, wait];
  });
}

/** The picture of `docs/policies.md`: for each trace the wait of each policy against its hours, and the front. */
export function policiesPicture(figures: Figures): string {
  const title =
    "Four charts, one for each trace: how long 95 % of the jobs wait, against the hours that agents idle and boot, for our policies and those of other systems.";
  const legend: readonly Part[] = [
    ...(["ours", "others", "oracle"] as const).map((kind, index) => mark([24 + index * 150, height - 28], kind, true)),
    mark([474, height - 28], "others", false),
    `<path class="front" d="M648 ${height - 28}h24"/>`,
    ...[
      ["agent-fleets", 36],
      ["other systems", 186],
      ["oracle, for scale", 336],
      ["kills or leaves jobs", 486],
      ["the front: none is better in both", 680],
    ].map(([text, x]) => label(String(text), [Number(x), height - 24], "note", "start")),
  ];
  const panels = traces.flatMap((trace, index) =>
    panelOf(figures, trace, [(index % 2) * panel.width + 8, Math.floor(index / 2) * panel.height + 8]),
  );
  return picture(title, width, height, [...panels, ...legend]);
}

function panelOf(figures: Figures, trace: Trace, [x, y]: Point): readonly Part[] {
  const runs = policies.map((policy) => ({ policy, run: runOf(figures, trace.name, policy.key) }));
  const [left, right] = [x + panel.left, x + panel.width - panel.right];
  const [top, bottom] = [y + panel.top, y + panel.height - panel.bottom];
  const across = axisFor(
    runs.map(({ run }) => run.hours),
    left,
    right,
  );
  const up = axisFor(
    runs.map(({ run }) => run.wait),
    bottom,
    top,
  );
  const at = ({ hours, wait }: Run): Point => [across.at(hours), up.at(wait)];

  const marks: Mark[] = [];
  for (const { policy, run } of runs) {
    const same = marks.findIndex(({ at: [atX, atY] }) => atX === at(run)[0] && atY === at(run)[1]);
    const { names = [], ...known } = marks[same] ?? {};
    const made = { at: at(run), kind: policy.of, isGood: isGood(run), ...known, names: [...names, nameOf(policy)] };
    if (same < 0) marks.push(made);
    else marks[same] = made;
  }
  const front = frontOn(figures, trace.name).map(({ key }) => at(runOf(figures, trace.name, key)));
  const area = { x: left, y: top, width: right - left, height: bottom - top };
  return [
    label(titleOf(trace), [left, y + 22], "name", "start"),
    ...gridOf(across, up, [left, right], [bottom, top]),
    `<path class="front" d="${front.map((point, index) => `${index === 0 ? "M" : "L"}${point.join(" ")}`).join("")}"/>`,
    ...marks.map((each) => mark(each.at, each.kind, each.isGood)),
    ...placeLabels(
      marks.map(({ at: point, names }) => ({ at: point, text: names.join(" = ") })),
      area,
      areasAlong(front),
    ),
    label("hours that agents idle and boot", [(left + right) / 2, bottom + 34], "note"),
    `<text class="note" transform="translate(${x + 14} ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">wait of 95 % of the jobs, seconds</text>`,
  ];
}

/** What the picture and the tables call a trace. */
export function titleOf({ name, days, max }: Trace): string {
  const shown = { nasa: "NASA", poisson: "Poisson", bursts: "bursts", nightly: "nightly" }[name];
  return `${shown}, ${days} days, max ${max}`;
}

function gridOf(across: Scale, up: Scale, [left, right]: Point, [bottom, top]: Point): readonly Part[] {
  return [
    ...across.ticks.flatMap((tick) => [
      `<path class="grid" d="M${across.at(tick)} ${bottom}V${top}"/>`,
      label(tick.toLocaleString("en-US"), [across.at(tick), bottom + 16], "note"),
    ]),
    ...up.ticks.flatMap((tick) => [
      `<path class="grid" d="M${left} ${up.at(tick)}H${right}"/>`,
      label(tick.toLocaleString("en-US"), [left - 6, up.at(tick) + 4], "note", "end"),
    ]),
  ];
}

function mark([x, y]: Point, kind: ComparedPolicy["of"], isGoodRun: boolean): Part {
  if (!isGoodRun) return `<path class="arrow" d="M${x - 5} ${y - 5}l10 10m0 -10l-10 10"/>`;
  if (kind === "ours") return `<circle class="mark" cx="${x}" cy="${y}" r="5.5"/>`;
  if (kind === "others") return `<rect class="agent" x="${x - 5}" y="${y - 5}" width="10" height="10"/>`;
  return `<path class="box" d="M${x} ${y - 6}l6 6l-6 6l-6 -6z"/>`;
}

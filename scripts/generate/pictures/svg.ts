/** A part of a picture, as SVG. */
export type Part = string;

/** A place in a picture, in pixels from its upper left corner. */
export type Point = readonly [x: number, y: number];

/** How wide a character of the labels is at most on average, in pixels: 13 px sans-serif. */
const characterWidth = 6.5;
const lineHeight = 17;

/** Each color on light and on dark pages. A picture has its own ground, so it is readable on any page. */
const colors = {
  ground: ["#ffffff", "#15191f"],
  ink: ["#1f2328", "#e6edf3"],
  soft: ["#59636e", "#9da7b1"],
  line: ["#818b98", "#77818c"],
  box: ["#f1f4f7", "#242b34"],
  ours: ["#dcebff", "#163356"],
  oursLine: ["#3b76c4", "#5a9bec"],
  agent: ["#ddf3e1", "#15391f"],
  agentLine: ["#3a8a4d", "#52b268"],
} as const;

type Color = keyof typeof colors;

function styles(dark: 0 | 1): string {
  const of = (color: Color) => colors[color][dark];
  return [
    `.ground{fill:${of("ground")}}`,
    `text{fill:${of("ink")}}`,
    `.note{fill:${of("soft")}}`,
    `.frame{fill:none;stroke:${of("line")}}`,
    `.box{fill:${of("box")};stroke:${of("line")}}`,
    `.ours{fill:${of("ours")};stroke:${of("oursLine")}}`,
    `.agent{fill:${of("agent")};stroke:${of("agentLine")}}`,
    `.arrow{fill:none;stroke:${of("soft")}}`,
    `.head{fill:${of("soft")}}`,
    `.mark{fill:${of("oursLine")};stroke:${of("ground")}}`,
    `.front{fill:none;stroke:${of("oursLine")}}`,
    `.grid{stroke:${of("box")}}`,
    `.lead{stroke:${of("line")};stroke-width:.7}`,
  ].join("");
}

/** A whole picture. The title is for those who cannot see it. */
export function picture(title: string, width: number, height: number, parts: readonly Part[]): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    "<style>",
    "text{font:13px -apple-system,'Segoe UI',Helvetica,Arial,sans-serif}",
    ".note{font-size:12px}.name{font-weight:600}.arrow{stroke-width:1.4}.front{stroke-width:1.6}.frame{stroke-dasharray:5 4}",
    styles(0),
    `@media (prefers-color-scheme:dark){${styles(1)}}`,
    "</style>",
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
    '<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
    `<rect class="ground" width="${width}" height="${height}" rx="10"/>`,
    ...parts,
    "</svg>",
  ].join("\n")}\n`;
}

/** A rectangle. Its kind gives its color: a part of AWS or the vendor, of this stack, or an agent. */
export interface Box {
  readonly at: Point;
  readonly size: readonly [width: number, height: number];
  readonly kind: "box" | "ours" | "agent";
  /** The first line is its name. */
  readonly lines: readonly string[];
}

/** Draws a box. @throws Error if a line is longer than the box is wide, or there are more lines than it is high */
export function box({ at: [x, y], size: [width, height], kind, lines }: Box): Part {
  const wide = lines.find((line) => line.length * characterWidth > width - 8);
  if (wide !== undefined) throw new Error(`the box of ${lines[0]} is too narrow for: ${wide}`);
  if (lines.length * lineHeight > height - 4) throw new Error(`the box of ${lines[0]} is too low for its lines`);
  const top = y + height / 2 - ((lines.length - 1) * lineHeight) / 2 + 4.5;
  return [
    `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`,
    ...lines.map((line, index) =>
      label(line, [x + width / 2, top + index * lineHeight], index === 0 ? "name" : "note"),
    ),
  ].join("\n");
}

/** A dashed frame with its name in its upper left corner. */
export function frame(name: string, [x, y]: Point, [width, height]: readonly [number, number]): Part {
  return `<rect class="frame" x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/>\n${label(name, [x + 12, y + 20], "name", "start")}`;
}

/** An arrow along these points. The label stands at a place of its own. */
export function arrow(points: readonly Point[], text = "", at: Point = [0, 0], anchor: Anchor = "middle"): Part {
  const path = points.map((point, index) => `${index === 0 ? "M" : "L"}${point.join(" ")}`).join("");
  const line = `<path class="arrow" d="${path}" marker-end="url(#head)"/>`;
  return text ? `${line}\n${label(text, at, "note", anchor)}` : line;
}

/** Where a label's place is in it. */
export type Anchor = "start" | "middle" | "end";

/** One line of text. */
export function label(text: string, [x, y]: Point, kind: "name" | "note", anchor: Anchor = "middle"): Part {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

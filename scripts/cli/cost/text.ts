import { listPrices } from "../../prices/index.ts";
import { counted, dollars, inColumns, labelled } from "../desk/words.ts";
import type { Estimate } from "./estimate.ts";
import { type Line, sumOf } from "./line.ts";

/** The estimate as a person reads it. */
export function estimateText(found: Estimate, width: number): string {
  const { stack, region, fixed, loop, pools, agentHours, total, missing } = found;
  const differs = region !== "us-east-1" && found.source === listPrices.source;
  const wrapped = (text: string) => labelled("", text, width, 0);
  const sections = [
    section("Fixed parts", fixed),
    section("The loop and its webhook (estimated from what they do)", loop),
    pools.length === 0 ? [] : ["Agents", ...pools.flatMap((pool) => poolLines(pool, width))],
  ].filter((lines) => lines.length > 0);
  return [
    ...wrapped(
      `${stack} in ${region}: ${sumText(found)}${pools.length === 0 ? "" : ` with ${round(agentHours)} agent-hours`}${hostsText(found)}${total === undefined ? ", without what has no price" : ""}`,
    ),
    ...sections.flatMap((lines) => ["", ...lines]),
    ...(missing.length > 0 ? ["", "No price", ...missing.flatMap((text) => labelled("  -", text, width, 4))] : []),
    "",
    ...wrapped(
      `Prices: ${found.source}.${differs ? ` ${region} differs: most regions cost up to a quarter more.` : ""}`,
    ),
    ...wrapped(`Not counted: ${found.notCounted.join("; ")}.`),
  ].join("\n");
}

function sumText({ total, known }: Estimate): string {
  return total === undefined ? `at least ${dollars(known)} a month` : `about ${dollars(total)} a month`;
}

/** A cluster's hosts come and go with its tasks. */
function hostsText({ hosts }: Estimate): string {
  if (hosts === undefined) return "";
  return ` while ${hosts === 0 ? "no host runs" : counted(hosts, "host runs", "hosts run")}`;
}

function section(title: string, lines: readonly Line[]): string[] {
  if (lines.length === 0) return [];
  const sum = sumOf(lines);
  const rows = lines.map(({ name, count, unit, unitPrice, perMonth }) => [
    `  ${name}`,
    round(count),
    `x $${unitPrice === undefined ? "?" : price(unitPrice)} ${unit === "hour" ? "an" : "a"} ${unit}`,
    money(perMonth),
  ]);
  return [title, ...inColumns(aligned([...rows, ["  together", "", "", money(sum)]]))];
}

/** The last column stands at the right. */
function aligned(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths = [1, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = column === 1 ? widths[0] : column === 3 ? widths[1] : undefined;
      return width === undefined ? cell : cell.padStart(width);
    }),
  );
}

function poolLines(
  { pool, machine, perHour, notes, hours, perMonth, min, max }: Estimate["pools"][number],
  width: number,
) {
  const text = [
    `${machine}: ${perHour === undefined ? "$?" : `$${price(perHour)}`} an agent-hour${notes.map((note) => `; ${note}`).join("")}`,
    `${round(hours)} agent-hours a month (min ${min}, max ${max}): ${money(perMonth)}${hours === 0 ? ". --hours gives the hours that you expect" : ""}`,
  ];
  return [...(pool === undefined ? [] : [`  ${pool}`]), ...text.flatMap((line) => labelled("", line, width, 2))];
}

const money = (value: number | undefined) => (value === undefined ? "$?" : dollars(value));

/** As many digits as say something: `0.0000133`, `0.045`, `3`. */
function price(value: number): string {
  return value === 0 || value >= 1 ? String(Math.round(value * 100) / 100) : String(Number(value.toPrecision(4)));
}

function round(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}

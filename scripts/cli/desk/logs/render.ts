import { visible } from "../../../../handlers/lib/core/visible.ts";
import { type TroubleLine, understand } from "../log-lines.ts";
import type { ReadLine } from "./follow.ts";

/** Fields that every line of the functions has. */
const usual = /^(level|message|timestamp|service|sampling_rate|cold_start|function_.*|xray_trace_id)$/;
/** Lambda's own lines about each run. */
const ofPlatform = /^(INIT_START|START|END|REPORT|EXTENSION|XRAY) /;

/**
 * A line as a person reads it. Further lines of the same text are marked, so that nothing a job writes can pass for a line of
 * ours. @returns `undefined` for lines that only machines read: metrics, and Lambda's words about each run
 */
export function renderLine(line: ReadLine): string | undefined {
  const text = wordsOf(line);
  if (text === undefined) return undefined;
  const time = line.at.toISOString().slice(5, 19).replace("T", " ");
  return `${time}  ${visible(text).replaceAll("\n", "\n                | ")}`;
}

/** A line for programs. */
export function lineAsJson({ at, group, stream, id, text }: ReadLine): string {
  return JSON.stringify({ time: at.toISOString(), log_group: group, stream, id, message: jsonOf(text) ?? text });
}

function wordsOf(line: ReadLine): string | undefined {
  const isFunction = line.group.startsWith("/aws/lambda/");
  if (!isFunction) return `${line.stream.split("/").at(-1)}  ${line.text}`;
  const said = understand(line);
  switch (said.type) {
    case "metrics":
      return undefined;
    case "decision": {
      const { pool, action, reason, queued, running, wanted, supply } = said.decision;
      return `${action}  ${pool}: ${reason}  [queued ${queued}, running ${running}, wanted ${wanted}, supply ${supply}]`;
    }
    case "trouble":
      return troubleText(said.trouble);
    case "other": {
      const fields = Object.entries(said.fields).filter(([name]) => !usual.test(name));
      const values = fields.map(
        ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
      );
      return ["info", `${said.fields.message}`, values.join(" ")].filter(Boolean).join("  ");
    }
    case "text":
      return ofPlatform.test(line.text) ? undefined : line.text;
  }
}

function troubleText({ level, message, kind, detail, errors }: TroubleLine): string {
  const about = [kind, detail].filter(Boolean).join(": ");
  const beneath = errors.map((error) => `\n${error.name}: ${error.message}`).join("");
  return `${level}  ${message}${about ? `: ${about}` : ""}${beneath}`;
}

function jsonOf(text: string): unknown {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { synthesizeShipped } from "./linters/shipped.ts";
import { resources } from "./synth.ts";

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
const stacks = [...(await synthesizeShipped(folder))];
rmSync(folder, { recursive: true, force: true });

const all = stacks.flatMap(([stack, json]) =>
  resources(json, "aws_cloudwatch_metric_alarm").map((alarm) => ({
    stack,
    alarm,
    text: String(alarm.alarm_description),
  })),
);
/** One alarm for each text. */
const alarms = [...new Map(all.map((one) => [one.text, one])).values()];
const alerts = new Set(
  stacks.flatMap(([, json]) => [
    ...resources(json, "aws_cloudwatch_event_rule")
      .filter(({ event_pattern: pattern }) => pattern !== undefined)
      .map(({ description }) => String(description)),
    ...resources(json, "aws_sfn_state_machine").flatMap(({ definition }) => {
      const { States }: { States: Record<string, { Type: string; Result?: unknown }> } = JSON.parse(String(definition));
      return Object.values(States).flatMap(({ Type, Result }) =>
        Type === "Pass" && typeof Result === "string" ? [Result] : [],
      );
    }),
  ]),
);

/** Words for what no metric and no event of ours can prove. */
const unproven =
  /\b(was|were|is|are) (killed|broken|lost|dead|gone|down)\b|\bno (agents?|jobs?) (is|are|was|were|exists?)\b|\bno job was\b|\bnothing\b|\bsomebody (aborted|deleted|changed)\b|\b(all|every) (agents?|jobs?)\b/i;
/** A sentence on what may follow, or on what holds under a condition. */
const conditional = /\b(may|until|while|if|where|so|because|count)\b/i;
const numbers = { one: 1, two: 2, three: 3, five: 5, ten: 10, fifteen: 15, an: 1, a: 1, last: 1 };
const units = { minute: 60, hour: 3600, day: 86_400 };

/** The lengths of time that a sentence names, in seconds. */
function timesIn(sentence: string): number[] {
  const pattern = /\b(\d+|one|two|three|five|ten|fifteen|last) (minute|hour|day)s?\b/gi;
  return [...sentence.matchAll(pattern)].map(([, count = "", unit = ""]) => {
    const number = Number(count) || numbers[count.toLowerCase() as keyof typeof numbers];
    return number * units[unit.toLowerCase() as keyof typeof units];
  });
}

/** What is wrong with an alarm's text; undefined: nothing. */
function faultOf(text: string, { windowSeconds }: { readonly windowSeconds: number }): string | undefined {
  const [, told = "", measured] =
    /^(.+\.) Measured: (.+\.) What to do: (?:docs\/runbook\.md|https:\/\/\S+)#[a-z-]+$/.exec(text) ?? [];
  if (!measured) return "it does not say what is measured and what to do";
  if (unproven.test(told)) return "it claims what no metric proves";
  const [first = "", ...others] = told.split(/(?<=\.) (?=[A-Z])/);
  if (others.length === 0 && !/\blist\b|\bmay\b/.test(told)) return "it does not say how the operator is affected";
  if (timesIn(first).some((time) => time !== windowSeconds)) return "it names another time than the alarm's";
  const certain = others.find((sentence) => !conditional.test(sentence));
  return certain && `it takes for certain: ${certain}`;
}

/** How far back an alarm looks. */
function windowOf({ period, evaluation_periods: periods, metric_query: queries }: Readonly<Record<string, unknown>>) {
  const [watched] = (queries ?? []) as { metric?: { period: number } }[];
  return { windowSeconds: Number(period ?? watched?.metric?.period) * Number(periods) };
}

describe("texts of alarms", () => {
  const rest = "Measured: sum of Errors at least 1, in 300 s. What to do: docs/runbook.md#loop-failing";
  it.each([
    ["The loop failed within five minutes. Jobs may wait.", undefined],
    ["The loop failed within ten minutes. Jobs may wait.", "another time"],
    ["The loop failed. No agents are added.", "claims"],
    ["The loop failed. Jobs wait for hours.", "certain"],
    ["The agent was killed. Jobs may wait.", "claims"],
    ["The loop failed.", "affected"],
  ])("%s", (told, fault) => {
    const found = faultOf(`${told} ${rest}`, { windowSeconds: 300 });
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(fault);
    expect(faultOf(told, { windowSeconds: 300 })).toContain("measured");
  });

  it.each(alarms)("$text ($stack)", ({ alarm, text }) => {
    expect(faultOf(text, windowOf(alarm))).toBeUndefined();
    expect(text.length, "CloudWatch takes 1024 characters").toBeLessThanOrEqual(1024);
  });

  it("cover alarms of every sort, and alerts", () => {
    expect(alarms.length).toBeGreaterThan(18);
    expect(alerts.size).toBeGreaterThan(6);
  });

  it.each([...alerts])("%s claims nothing that its event does not prove", (text) => {
    expect(text).not.toMatch(unproven);
  });

  it("lead to a section of the runbook that claims no more", () => {
    const runbook = readFileSync("docs/runbook.md", "utf8");
    const sections = new Map(runbook.split("\n## ").map((part) => [part.split("\n")[0], part]));
    const linked = [...alarms.map(({ text }) => text), ...alerts].flatMap(
      (text) => text.match(/runbook\.md#[a-z-]+/g) ?? [],
    );
    expect(linked.length).toBeGreaterThan(18);
    for (const link of new Set(linked)) {
      const [, anchor] = link.split("#");
      const section = sections.get(anchor);
      expect(section, `docs/runbook.md needs a section "## ${anchor}"`).toBeDefined();
      expect(section).not.toMatch(/\b(was|were) killed\b|\bno job was\b|\bis broken\b/i);
    }
  });
});

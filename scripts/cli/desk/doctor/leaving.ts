import { ifKnown } from "../part.ts";
import { clockTime, duration } from "../words.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

/** Why agents do not go. */
export function leavingFindings({ picture, secondsSince, name }: View): readonly Finding[] {
  const { running = [], failed = [] } = ifKnown(picture.retirements) ?? {};
  const todo = `Read its steps: fleet logs ${name} --retirements`;
  const stuck = running.flatMap(({ agent, reason, since, deadline, failing, waitsFor, state }): Finding[] => {
    const late = deadline && deadline < picture.at;
    if (!late && !failing) return [];
    const what = late
      ? `The retirement of ${agent} goes on after its deadline.`
      : `The retirement of ${agent} does not get on: its calls fail.`;
    const evidence = [`${reason}, for ${duration(secondsSince(since))}, in the state ${state}: ${waitsFor}`];
    const section = late ? "retirements-timed-out" : "retire-failing";
    return [{ id: "retirement-stuck", severity: "error", what, evidence, todo, section }];
  });
  const ended = failed.map(({ agent, status, at, cause }): Finding => {
    const what = `The retirement of ${agent} ended without taking it out.`;
    const section = {
      FAILED: "retirements-failing",
      TIMED_OUT: "retirements-timed-out",
      ABORTED: "retirements-aborted",
    }[status];
    return {
      id: "retirement-failed",
      severity: "warning",
      what,
      evidence: [`${status} at ${clockTime(at)}: ${cause}`],
      todo,
      section,
    };
  });
  return [...stuck, ...ended];
}

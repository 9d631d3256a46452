import { actionsIn } from "../../../scripts/generate/deploy-rights.ts";
import { operatorActions } from "../../../scripts/generate/operator-actions.ts";
import { narrowingOf } from "../../../scripts/generate/operator-rights.ts";
import { awsActionOf } from "../../fakes/aws-action.ts";
import { type FakeRequest, watchers } from "../../fakes/http-fake.ts";

/** The commands that run now: a request may be any one's. */
const running: (readonly string[])[] = [];

/**
 * Runs a command of `fleet`, and throws if it makes a call in AWS that `scripts/generate/operator-actions.ts` does not
 * list for it, or asks for something else than that list narrows the call to.
 */
export async function withinRights<T>(args: readonly string[], command: () => Promise<T>): Promise<T> {
  const faults = new Set<string>();
  const watch = (request: FakeRequest) => {
    const fault = faultOf(request, running);
    if (fault) faults.add(fault);
  };
  running.push(args);
  watchers.add(watch);
  try {
    const result = await command();
    if (faults.size > 0) throw new Error([...faults].join("\n"));
    return result;
  } finally {
    watchers.delete(watch);
    running.splice(running.indexOf(args), 1);
  }
}

/** Why these commands may not make this request; `undefined`: one of them may, or it is none to AWS. */
export function faultOf(request: FakeRequest, commands: readonly (readonly string[])[]): string | undefined {
  const action = awsActionOf(request);
  if (action === undefined) return undefined;
  const names = commands.map(nameOf);
  // For whoever deploys: docs/before-the-first-deploy.md has its rights.
  if (names.includes("check")) return undefined;
  const isListed = names.some((name) => {
    const { looks = "", acts = "" } = operatorActions[name] ?? {};
    return actionsIn(`${looks} ${acts}`).includes(action);
  });
  if (!isListed) return `fleet ${names.join(", ")} calls ${action}: add it to scripts/generate/operator-actions.ts`;
  const { resources, leadingKeys = [] } = narrowingOf(action) ?? {};
  // Users give secrets by names of their own, and add these to the policy.
  if (!resources || /^(secretsmanager|ssm):/.test(action)) return undefined;
  const asked = textsIn(request);
  const isInside = resources.some((arn) => asked.some((text) => nameIn(arn).test(text)));
  const needed = [...(isInside ? [] : [resources.join(" or ")]), ...leadingKeys.filter((key) => !asked.includes(key))];
  return needed.length > 0 ? `${action} does not ask for ${needed.join(", ")}, but ${asked.join(", ")}` : undefined;
}

/** `secret list` of `fleet secret list ci`, and `status` of `fleet status ci`. Flags of `fleet` itself may come first. */
function nameOf(args: readonly string[]): string {
  const words = args.filter((word) => !word.startsWith("-"));
  const [first = "", second = ""] = words;
  return `${first} ${second}` in operatorActions ? `${first} ${second}` : first;
}

/** The name at the end of an ARN as a pattern: calls ask for it alone, by its ARN, or for a part of it. */
function nameIn(arn: string): RegExp {
  const [, name = ""] = /^arn:aws:\w+:\*:\*:(?:[\w-]+[:/](?:\*:\w+\/)?)?(.*)$/.exec(arn) ?? [];
  const pattern = name.split("<stack>").map((part) => part.split("*").map(quoted).join(".*"));
  return new RegExp(`(^|[:/])${pattern.join("[a-z][a-z0-9-]*")}(:|$)`);
}

const quoted = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** All texts that a request holds: of its body, and the parts of its path. */
function textsIn({ path, body }: FakeRequest): readonly string[] {
  const text = body.toString();
  const form = () => Object.fromEntries(new URLSearchParams(text));
  const leaves = (value: unknown): string[] =>
    typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [String(value)];
  return [...path.split("/").filter(Boolean), ...leaves(text.startsWith("{") ? JSON.parse(text) : form())];
}

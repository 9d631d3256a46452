import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { withExamples } from "../../../scripts/generate/examples.ts";
import { formsOf, type JsonSchema } from "../../../scripts/generate/json-schema.ts";
import { stackConfig } from "../../../stacks/config/schema.ts";

const schema = withExamples(z.toJSONSchema(stackConfig, { io: "input", target: "draft-7" }) as JsonSchema);
const shipped = readdirSync("config")
  .filter((file) => file.endsWith(".yaml"))
  .map((file): unknown => parse(readFileSync(`config/${file}`, "utf8")));

/** A step from a schema to one below it: a key, a name of the user's own, or an item of a list. */
type Step = { readonly key: string } | "item";

/** A key, and the schemas on the way to it: each is the form that the next step is in. */
interface Place {
  readonly name: string;
  readonly steps: readonly { readonly form: JsonSchema; readonly step: Step }[];
  readonly key: JsonSchema;
}

function placesIn(form: JsonSchema, name: string, before: Place["steps"]): Place[] {
  const below = (inner: JsonSchema, step: Step, innerName: string) => {
    const steps = [...before, { form, step }];
    const own = step === "item" ? [] : [{ name: innerName, steps, key: inner }];
    return [...own, ...[inner, ...formsOf(inner)].flatMap((each) => placesIn(each, innerName, steps))];
  };
  return [
    ...Object.entries(form.properties ?? {}).flatMap(([key, inner]) => below(inner, { key }, `${name}.${key}`)),
    ...(form.items ? below(form.items, "item", `${name}[]`) : []),
  ];
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value for a schema: an example, or a mapping of its required keys. */
function sample(each: JsonSchema): unknown {
  if (each.examples) return each.examples[0];
  const [first] = formsOf(each);
  if (first) return sample(first);
  if (each.type === "array") return [sample(each.items ?? {})];
  return Object.fromEntries((each.required ?? []).map((key) => [key, sample(each.properties?.[key] ?? {})]));
}

/** What stands beside a key where its example alone breaks a rule between keys: the other half of that rule. */
const beside: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  publicSubnetCidrs: {
    cidr: "10.61.0.0/16",
    availabilityZones: 3,
    privateSubnetCidrs: ["10.61.64.0/18", "10.61.128.0/18", "10.61.192.0/18"],
  },
  privateSubnetCidrs: {
    cidr: "10.61.0.0/16",
    availabilityZones: 3,
    publicSubnetCidrs: ["10.61.0.0/24", "10.61.1.0/24", "10.61.2.0/24"],
  },
  cpu: { memoryMiB: 16384 },
  memoryMiB: { cpu: 4096 },
  architecture: { image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/agents/own:1.4" },
  capacityProvider: { cluster: { name: "shared" } },
  ports: { networkMode: "bridge" },
};

/** Configs with the value at the place: in what is there, and in a new mapping of the required keys alone. */
function* placed(config: unknown, [at, ...rest]: Place["steps"], value: unknown): Generator<unknown> {
  if (!at) return yield value;
  const { form, step } = at;
  if (step === "item") {
    const [first, ...others] = Array.isArray(config) ? config : [];
    for (const item of placed(first, rest, value)) {
      yield [item, ...others];
      yield [item];
      yield [item, item];
    }
    return;
  }
  const { key } = step;
  for (const around of [
    ...(isMapping(config) ? [config] : []),
    sample({ ...form, examples: undefined } as JsonSchema),
  ]) {
    if (!isMapping(around)) continue;
    for (const inner of placed(around[key], rest, value)) {
      yield { ...around, [key]: inner };
      if (beside[key]) yield { ...around, ...beside[key], [key]: inner };
      // A key must be in the region of its secret.
      const region = key === "kmsKeyArn" && String(inner).split(":")[3];
      if (region)
        yield { ...around, arn: `arn:aws:secretsmanager:${region}:111122223333:secret:ci/any-AbCdEf`, [key]: inner };
    }
  }
}

/** The shipped configs of each kind; the one that took the last example comes first, as the next key is its neighbour. */
const bases = new Map<string, readonly unknown[]>();

/** Whether a config that is valid has this value at the place. */
function isLoaded({ steps }: Place, kind: string, value: unknown): boolean {
  const ofKind = bases.get(kind) ?? shipped.filter((config) => isMapping(config) && config.kind === kind);
  for (const config of ofKind) {
    for (const each of placed(config, steps, value)) {
      if (!stackConfig.safeParse(each).success) continue;
      bases.set(kind, [config, ...ofKind.filter((other) => other !== config)]);
      return true;
    }
  }
  return false;
}

describe.each(
  formsOf(schema).map((form) => [String(form.properties?.kind?.const), form] as const),
)("the examples of the keys of %s", (kind, form) => {
  const places = placesIn(form, "", []);

  it("are there for each key that holds no keys of its own", () => {
    const holdsKeys = (each: JsonSchema): boolean =>
      each.properties !== undefined ||
      [...formsOf(each), each.items, each.additionalProperties].some((inner) => inner && holdsKeys(inner));
    expect(places.length).toBeGreaterThan(20);
    expect(places.filter(({ key }) => !key.examples && !holdsKeys(key)).map(({ name }) => name)).toEqual([]);
  });

  it("are right by the schema of their key", () => {
    const ajv = new Ajv({ validateFormats: false });
    const wrong = places.filter(({ key }) => key.examples?.some((example) => !ajv.validate({ ...key }, example)));
    expect(wrong.map(({ name, key }) => `${name}: ${JSON.stringify(key.examples)}`)).toEqual([]);
  });

  it("load in a config", () => {
    const wrong = places.filter((each) => each.key.examples?.some((example) => !isLoaded(each, kind, example)));
    expect(wrong.map(({ name, key }) => `${name}: ${JSON.stringify(key.examples)}`)).toEqual([]);
  });
});

import { cleanSecret } from "../../../handlers/lib/core/secret-value.ts";
import type { SecretKey } from "../../../stacks/config/vendors/index.ts";
import { couldNotLook, type Finding } from "../desk/doctor/finding.ts";
import { look, type Part } from "../desk/part.ts";
import { readValue } from "../lib/secret-store.ts";
import { onlyWakes, type SecretSource, secretsOf, valueTrouble } from "../lib/stack-secrets.ts";
import type { CheckDeps, Subject } from "./subject.ts";

/** A secret that the stack needs, and its value. `undefined`: it does not exist, or has none. */
export interface KnownSecret {
  readonly source: SecretSource;
  /** Never show it. */
  readonly value: Part<string | undefined>;
}

const rights = ["secretsmanager:GetSecretValue", "ssm:GetParameter", "kms:Decrypt"];

/** Reads the secrets that the stack needs, for a look at their form and for questions to the vendor. */
export async function readSecrets(
  { stack, made }: Subject,
  { context }: Pick<CheckDeps, "context">,
): Promise<ReadonlyMap<SecretKey, KnownSecret>> {
  const { config } = stack;
  if (config.kind !== "ecs-fleet" && config.kind !== "ec2-fleet") return new Map();
  const own = new Set([...made.resources("aws_secretsmanager_secret").values()].map(({ name }) => String(name)));
  // What the stack neither makes nor is given, this fleet does not need.
  const needed = secretsOf(stack).filter(({ id }) => id.startsWith("arn:") || own.has(id));
  const read = await Promise.all(
    needed.map(async (source): Promise<readonly [SecretKey, KnownSecret]> => {
      const variable = source.variable && context.env[`TF_VAR_${source.variable}`];
      const value = await look(rights, async () =>
        variable ? cleanSecret(variable) : readValue(source, source.jsonKey),
      );
      return [source.key, { source, value }];
    }),
  );
  return new Map(read);
}

/**
 * Whether each secret exists, has a value, and whether the value can be this secret by the vendor's rules. A secret that
 * the stack itself makes exists after the deploy. No finding holds any part of a value.
 */
export function secretFindings(
  secrets: ReadonlyMap<SecretKey, KnownSecret>,
  { stack: loaded }: Subject,
  deployed: boolean,
): readonly Finding[] {
  return [...secrets.values()].flatMap(({ source, value }): Finding[] => {
    const { id, stack, facts, variable } = source;
    if (!value.known) return [couldNotLook(`the value of ${facts.name}`, value.why, value.todo)];
    if (value.value !== undefined) return wrongForm(source, value.value);
    if (id.startsWith("arn:")) {
      const what = `The secret ${facts.name} does not exist or has no value.`;
      const todo = `Correct secrets.${source.key}.arn, or give the secret a value.`;
      return [{ id: "secret-missing", severity: "error", what, evidence: [`No value in ${id}`], todo }];
    }
    if (variable !== undefined) {
      if (deployed) return [];
      const what = `The deploy stops: the Terraform variable ${variable} has no value.`;
      const todo = `Set the environment variable TF_VAR_${variable} where the deploy runs.`;
      const evidence = [`TF_VAR_${variable} is not set here, and ${id} has no value`];
      return [{ id: "variable-missing", severity: "warning", what, evidence, todo }];
    }
    if (!deployed) return [];
    const wakes = onlyWakes(source, loaded);
    const what = `The secret ${facts.name} has no value${wakes ? ", so the webhook lets nobody in" : ""}.`;
    const todo = `Set it: fleet secret set ${stack} ${facts.name}`;
    return [{ id: "secret-empty", severity: wakes ? "warning" : "error", what, evidence: [`No value in ${id}`], todo }];
  });
}

function wrongForm(source: SecretSource, value: string): Finding[] {
  const trouble = valueTrouble(source, value);
  if (trouble === undefined) return [];
  const { id, stack, facts } = source;
  const what = `The secret ${facts.name} cannot be right.`;
  const todo = `Set it again: fleet secret set ${stack} ${facts.name}`;
  return [{ id: "secret-form", severity: "error", what, evidence: [`${id}: ${trouble.message}`], todo }];
}

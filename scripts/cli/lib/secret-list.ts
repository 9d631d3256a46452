import { isOfTheCaller } from "./aws-trouble.ts";
import { explain, UserError } from "./errors.ts";
import type { StoredState } from "./secret-store.ts";
import type { SecretSource } from "./stack-secrets.ts";

/** One line of `fleet secret list`, as `--json` prints it, and `text` for people. Times are in ISO 8601, UTC. */
export interface SecretRow {
  readonly secret: string;
  /** Name or ARN of the Secrets Manager secret, or ARN of the SSM parameter. */
  readonly id: string;
  readonly region: string;
  /** `null`: not known. */
  readonly exists: boolean | null;
  /** `null`: not known, as for one key of a JSON secret. */
  readonly has_value: boolean | null;
  readonly since: string | null;
  readonly previous_accepted_until: string | null;
  /** When AWS deletes it. */
  readonly deletion: string | null;
  /** Why it could not be looked at. */
  readonly error: string | null;
  readonly text: string;
}

/**
 * Looks at each secret without reading its value. One that cannot be looked at does not hide the others; without
 * credentials none can be, and the error about them is thrown. After
 * `fleet secret set --revoke-previous` the value from before is the current one: the times look as after any change.
 */
export async function listSecrets(secrets: readonly SecretSource[], now: Date): Promise<readonly SecretRow[]> {
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { readState } = await import("./secret-store.ts");
  return Promise.all(
    secrets.map(async (secret) => {
      try {
        return toRow(secret, await readState(secret), now);
      } catch (error) {
        if (isOfTheCaller(error)) throw error;
        const unknown = { ...nothing(secret), exists: null, has_value: null, text: "unknown: cannot be looked at" };
        return { ...unknown, error: explain(error).error };
      }
    }),
  );
}

/** The error about secrets that could not be looked at. */
export function whyNotRead(rows: readonly SecretRow[]): UserError {
  return new UserError(
    rows.map(({ secret, error }) => `${secret} cannot be looked at: ${error}`).join("\n"),
    "It needs secretsmanager:DescribeSecret and secretsmanager:ListSecretVersionIds, or ssm:GetParameter. Check AWS_PROFILE.",
  );
}

function nothing({ facts, id, region }: SecretSource): SecretRow {
  const empty = { since: null, previous_accepted_until: null, deletion: null, error: null };
  const text = "no such secret: not deployed, or not needed";
  return { secret: facts.name, id, region, exists: false, has_value: false, ...empty, text };
}

function toRow(source: SecretSource, state: StoredState | undefined, now: Date): SecretRow {
  const row = nothing(source);
  if (state === undefined) return row;
  const deletion = state.deletion?.toISOString() ?? null;
  if (deletion) return { ...row, exists: true, deletion, text: `none: AWS deletes the secret on ${deletion}` };
  if (!state.since) return { ...row, exists: true, text: `none: ${howToFill(source)}` };
  const until = source.facts.previousCounts ? state.previousUntil : undefined;
  const known = source.jsonKey === undefined;
  return {
    ...row,
    exists: true,
    has_value: known ? true : null,
    since: state.since.toISOString(),
    previous_accepted_until: until && until > now ? until.toISOString() : null,
    text: known ? "set" : `unknown: the key ${source.jsonKey} of a secret that is set`,
  };
}

function howToFill({ variable, stack, facts }: SecretSource): string {
  return variable === undefined ? `fleet secret set ${stack} ${facts.name}` : `deploy with TF_VAR_${variable}`;
}

import type { Command } from "commander";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import type { AgentToken, HcpTerraformAdmin } from "../hcp/admin.ts";
import type { Context } from "../lib/context.ts";
import { explain, UserError } from "../lib/errors.ts";
import { addressOf, adminAt, findPool } from "../lib/hcp-terraform.ts";
import { putSecret, type StackSecret } from "../lib/stack-secrets.ts";

/** The tokens of a fleet's agents at HCP Terraform. */
export interface AgentTokens {
  /** Makes a new one and stores it. Resolves to its id. Whatever fails, the secret holds a token that works. */
  stage(): Promise<string>;
  /**
   * Deletes those that this fleet's commands made before the stored one, as far as nobody used them in the last quarter of an hour.
   *
   * @param stored its id; `undefined`: the one that was made when the secret was written
   * @returns their ids, and the others of the pool, of which nobody knows who uses them
   * @throws UserError if nobody can say which one is stored
   */
  revokeOld(
    stored: string | undefined,
    since: Date,
  ): Promise<{ readonly revoked: string[]; readonly others: readonly AgentToken[] }>;
}

/** A new token is stored within this time. */
const storedMilliseconds = 10 * 60_000;
const clockMilliseconds = 60_000;
/** A token that somebody has used within this time is not revoked. */
const usedMilliseconds = 15 * 60_000;

/** See {@link AgentTokens}. `undefined`: the secret is not such a token. Asks for TOKEN. */
export async function agentTokensOf(
  context: Context,
  { name, config }: LoadedStack,
  secret: StackSecret,
  command: Command,
): Promise<AgentTokens | undefined> {
  if (!("vendor" in config) || config.vendor?.type !== "hcp-terraform" || secret.facts.name !== "agent-token") {
    return undefined;
  }
  const { organization, agentPool, address } = config.vendor;
  const admin = await adminAt(context, addressOf(context, command, address));
  const poolId = await findPool(admin, organization, agentPool);
  const description = `agent-fleets ${name} rotated`;
  // Without --store, fleet hcp token create names the pool, and prints the token for whoever asked.
  const ofStore = agentPool === name ? [] : [`agent-fleets ${name}`];
  const isOurs = (token: AgentToken) => [description, ...ofStore].includes(token.description);
  return {
    async stage() {
      const { id, value } = await admin.createAgentToken(poolId, description);
      try {
        await putSecret(secret, value);
      } catch (error) {
        throw await afterFailure(admin, id, error);
      }
      return id;
    },
    async revokeOld(stored, since) {
      const tokens = await admin.listAgentTokens(poolId);
      const kept = tokens.find(({ id }) => id === stored) ?? storedOne(tokens.filter(isOurs), since);
      const old = tokens.filter(
        (token) => isOurs(token) && token.createdAt < kept.createdAt && !isInUse(token, context.clock.now()),
      );
      for (const { id } of old) await admin.deleteAgentToken(id);
      return {
        revoked: old.map(({ id }) => id),
        others: tokens.filter((token) => token !== kept && !old.includes(token)),
      };
    },
  };
}

/** The youngest of the tokens that were made right before the secret was written. */
function storedOne(tokens: readonly AgentToken[], since: Date): AgentToken {
  const [found, ...others] = tokens.filter(({ createdAt }) => {
    const before = since.getTime() - createdAt.getTime();
    return before > -clockMilliseconds && before < storedMilliseconds;
  });
  if (found && others.length === 0) return found;
  throw new UserError(
    "Nobody can say which token of the pool is stored, so none was revoked.",
    "Rotate it without --finish: that makes a new one, and revokes those before it.",
  );
}

/** The fleet's agents that had it are gone. Its last use may be theirs, or somebody else's. */
function isInUse({ lastUsedAt }: AgentToken, now: Date): boolean {
  return lastUsedAt !== undefined && lastUsedAt.getTime() > now.getTime() - usedMilliseconds;
}

/** Without a clear refusal, the new token may be stored: it stays. */
async function afterFailure(admin: HcpTerraformAdmin, id: string, error: unknown): Promise<UserError> {
  const { error: why, hint } = explain(error);
  const refused =
    error instanceof UserError || (error instanceof Error && "$fault" in error && error.$fault === "client");
  if (!refused) {
    return new UserError(
      `Nobody knows whether the new token ${id} is stored: ${why}`,
      "Both tokens work. Run the command again, which makes another one and deletes this one in the end.",
    );
  }
  await admin.deleteAgentToken(id);
  return new UserError(`The new token could not be stored, and was deleted: ${why}`, `The old one works on. ${hint}`);
}

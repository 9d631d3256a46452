import type { Clock, SecretReader } from "./ports.ts";
import type { Proof } from "./signature.ts";

/** The keys that webhook senders may sign with: the current and the previous value of one secret. */
export interface Keyring {
  /** Whether one of the keys fits. Throws `SecretUnavailableError` if the keys cannot be read. */
  fits(proof: Proof): Promise<boolean>;
}

/** Wrong signatures cause at most one read of the secret in this time. */
const refreshMilliseconds = 30_000;
/** An unavailable secret is not read again before this time is over. */
const retryMilliseconds = 5_000;

/** Keys of the secret `arn`. Reads it again if no known key fits, so that a rotation needs no deployment. */
export function createKeyring(arn: string, { secrets, clock }: { secrets: SecretReader; clock: Clock }): Keyring {
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let failure = { error: undefined as unknown, at: Number.NEGATIVE_INFINITY };

  async function knownKeys(): Promise<readonly string[]> {
    if (clock.now().getTime() - failure.at < retryMilliseconds) throw failure.error;
    try {
      return await secrets.readVersions(arn);
    } catch (error) {
      failure = { error, at: clock.now().getTime() };
      throw error;
    }
  }

  return {
    async fits(proof) {
      if (anyFits(await knownKeys(), proof)) return true;
      const now = clock.now().getTime();
      if (now - refreshedAt < refreshMilliseconds) return false;
      refreshedAt = now;
      return anyFits(await secrets.readVersions(arn, { fresh: true }), proof);
    },
  };
}

/** Tries every key, so that the time does not reveal which one fits. */
function anyFits(keys: readonly string[], proof: Proof): boolean {
  return keys.map(proof).includes(true);
}

import type { Clock, SecretReader } from "./ports.ts";
import type { Proof } from "./signature.ts";

/** The keys a webhook's senders may sign with: the current and the previous value of one secret. */
export interface Keyring {
  /** Whether one of the keys fits. Throws `SecretUnavailableError` when the keys cannot be had. */
  fits(proof: Proof): Promise<boolean>;
}

/** A stranger's wrong signatures cost us one look at the secret in this time, however many they are. */
const refreshMilliseconds = 30_000;
/** An unavailable secret is not asked for again before this time is over. */
const retryMilliseconds = 5_000;

/** Keys of the secret `arn`, read again when no known one fits, so that a rotation needs no deployment. */
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

/** Tries every key, so that the time taken does not tell which one fits. */
function anyFits(keys: readonly string[], proof: Proof): boolean {
  return keys.map(proof).includes(true);
}

/**
 * What every AWS client is made with: timeouts on each attempt, and retries with backoff, jitter and a rate that adapts
 * to throttling. One call ends within about 20 seconds, whatever happens.
 */
export const clientOptions = {
  maxAttempts: 4,
  retryMode: "adaptive",
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/**
 * Options of every AWS client: timeouts on each attempt, and retries with backoff, jitter and a rate that adapts to
 * throttling. Every call ends within about 20 seconds.
 */
export const clientOptions = {
  maxAttempts: 4,
  retryMode: "adaptive",
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/** Whether a host (without a port) is this machine, as in tests. IPv6 in brackets, as in {@link URL}. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.[0-9]+){3}$/.test(hostname);
}

/** Whether the connection is private: https, or http on loopback. */
export function isProtected({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

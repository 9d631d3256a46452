/** Whether a host, without a port, is this machine, where tests live. IPv6 in brackets, as {@link URL} has it. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.[0-9]+){3}$/.test(hostname);
}

/** Whether nobody can listen in: https, or http on loopback. */
export function isProtected({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

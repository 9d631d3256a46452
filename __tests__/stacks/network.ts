import { synthesize } from "./synth.ts";

/** Synthesizes a network of two zones by one NAT gateway, unless told otherwise. */
export const network = (fields: object = {}) => synthesize({ kind: "network", region: "us-west-2", ...fields }, "net");

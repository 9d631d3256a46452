import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { VendorApiError } from "../../core/errors.ts";
import type { VendorAgent } from "../../core/ports.ts";
import { type Capabilities, mergeCapabilities, offeredVersion } from "../../settings/vendors/azure-devops-agent.ts";
import type { PoolApi } from "./api.ts";

/**
 * An agent that never connects. Azure DevOps fails a job at once if its pool contains no agent that could ever take it.
 * With this agent in the pool, jobs queue instead.
 */
export interface Placeholder {
  /** Registers it unless it is among `agents`. Once after a cold start, updates it to our agents' capabilities. */
  ensure(agents: readonly VendorAgent[]): Promise<void>;
}

/** See {@link Placeholder}. */
export function createPlaceholder(
  { placeholder: name, capabilities }: { readonly placeholder: string; readonly capabilities: Capabilities },
  api: Pick<PoolApi, "listAgents" | "addAgent" | "replaceAgent" | "readCapabilities">,
): Placeholder {
  /** If our agents' value is unknown, the capability's own name stands for it. */
  const offers = Object.fromEntries(
    Object.entries(capabilities).map(([capability, value]) => [capability, value ?? name]),
  );
  let upToDate = false;

  async function registration(systemCapabilities: Readonly<Record<string, string>>): Promise<object> {
    return {
      name,
      version: offeredVersion,
      osDescription: "agent-fleets: keeps the queue open, never connects",
      maxParallelism: 1,
      enabled: true,
      systemCapabilities,
      authorization: { publicKey: await keyOfNobody() },
    };
  }

  async function add(): Promise<void> {
    try {
      await api.addAgent(await registration(offers));
    } catch (error) {
      const refused = error instanceof VendorApiError && ["conflict", "invalid"].includes(error.kind);
      const registered = refused && (await api.listAgents(name)).length > 0;
      // Another pass has registered it already.
      if (!registered) throw error;
    }
  }

  /** Fleets that share the pool share the placeholder. Each adds its own agents' capabilities. */
  async function update(id: string): Promise<void> {
    const offered = await api.readCapabilities(id);
    const lacks = Object.entries(offers).some(([capability, value]) => offered[capability] !== value);
    if (lacks) await api.replaceAgent(id, await registration(mergeCapabilities(offered, offers)));
    upToDate = true;
  }

  return {
    async ensure(agents) {
      const known = agents.find((agent) => agent.name === name);
      if (!known) await add();
      else if (!upToDate) await update(known.id);
    },
  };
}

let made: Promise<object> | undefined;

/** A public key without a kept private key, so that nobody can act as the placeholder. Creating one takes a while. */
function keyOfNobody(): Promise<object> {
  made ??= createPublicKey();
  return made;
}

async function createPublicKey(): Promise<object> {
  const { publicKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const base64 = (base64url: string) => Buffer.from(base64url, "base64url").toString("base64");
  return { exponent: base64(e), modulus: base64(n) };
}

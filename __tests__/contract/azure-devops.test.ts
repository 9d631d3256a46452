import type { AgentReference } from "../../handlers/lib/core/ports.ts";
import { createAzureDevOps } from "../../handlers/lib/vendors/azure-devops/client.ts";
import { createAzureDevOpsRetirement } from "../../handlers/lib/vendors/azure-devops/retirement.ts";
import type { VendorDeps } from "../../handlers/lib/vendors/deps.ts";
import type { FakeAgent } from "../fakes/azure-devops/state.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../fakes/azure-devops.ts";
import type { FakeClock } from "../fakes/clock.ts";
import { createCredential } from "./credential.ts";
import { describeRetirementContract, httpSpoils, type RetirementHarness } from "./retirement.ts";
import { describeVendorContract, type VendorTraits } from "./vendor.ts";

const traits: VendorTraits = {
  agents: { states: ["draining", "offline"], removable: "offline" },
  queueTimes: true,
  paged: [],
  mostJobs: 200,
};

const looks: Readonly<Record<string, Partial<FakeAgent>>> = {
  idle: {},
  busy: {},
  draining: { enabled: false },
  offline: { status: "offline" },
};

/** The credential of one way to sign in. */
function credentialOf(fake: AzureDevOpsFake, auth: "pat" | "service-principal") {
  const accept = (value: string) => {
    if (auth === "pat") fake.state.pat = value;
    else fake.state.principal.secret = value;
    fake.state.tokens.clear();
  };
  return createCredential(auth === "pat" ? fake.state.pat : fake.state.principal.secret, accept);
}

for (const auth of ["pat", "service-principal"] as const) {
  describeVendorContract(`azure-devops by ${auth}`, traits, async ({ clock, timeoutMilliseconds }) => {
    const fake = await startAzureDevOpsFake({ clock });
    const { state } = fake;
    const pool = state.addPool("aws");
    state.addPool("aws-other");
    const { readToken, ...credential } = credentialOf(fake, auth);
    const deps: VendorDeps = { clock, timeoutMilliseconds, readToken };
    return {
      vendor: createAzureDevOps(fake.runtime(pool, auth), deps),
      fake,
      ...credential,
      lists: { agents: ({ path }) => path.endsWith("/agents"), jobs: ({ path }) => path.endsWith("/jobrequests") },
      addAgent(name, look) {
        const agent = state.addAgent(pool, name, looks[look] ?? { status: "hibernating" });
        if (look === "busy") state.addJob(pool, { agent });
        return { id: String(agent.id) };
      },
      addJob: () => state.addJob(pool),
    };
  });
}

interface Harness extends RetirementHarness {
  readonly fake: AzureDevOpsFake;
}

const spoils = {
  ...httpSpoils,
  "sign-in pages": ({ fake }: Harness) => {
    fake.state.pat = "test-pat-of-nobody";
  },
  "agents that do not say whether they are locked": ({ fake }: Harness) => {
    for (const agent of fake.state.agents.values()) Object.assign(agent, { enabled: undefined });
    fake.fail({ method: "PATCH", answer: { status: 200, json: {} } });
  },
  "a pool out of sight": ({ fake }: Harness) => {
    fake.state.rights = "none";
  },
};

async function startRetirement({ clock }: { readonly clock: FakeClock }): Promise<Harness> {
  const fake = await startAzureDevOpsFake({ clock });
  const { state } = fake;
  const pool = state.addPool("aws");
  const credential = state.pat;
  const readToken = () => Promise.resolve(credential);
  const found = ({ name }: AgentReference) => state.agentNamed(name);
  return {
    retirement: createAzureDevOpsRetirement(fake.runtime({ name: "aws" }), { clock, readToken }),
    fake,
    credential,
    onQuestion(happen) {
      fake.onRequest = happen;
    },
    addAgent(name) {
      const agent = state.addAgent(pool, name);
      return { name, capacityId: `task-of-${name}`, vendorId: String(agent.id) };
    },
    offerJob(agent) {
      const known = found(agent);
      if (!known?.enabled || known.job) return false;
      state.addJob(pool, { agent: known });
      return true;
    },
    endJob(agent) {
      const job = found(agent)?.job;
      if (job) state.finish(job);
    },
    loseAgent(agent) {
      const known = found(agent);
      if (known) state.removeAgent(known);
    },
    hideAgent(agent) {
      const known = found(agent);
      if (known) known.hidden = true;
    },
    isKnown: (agent) => found(agent) !== undefined,
    close: () => fake.close(),
  };
}

describeRetirementContract("azure-devops", { spoils, deletesRecords: true }, startRetirement);

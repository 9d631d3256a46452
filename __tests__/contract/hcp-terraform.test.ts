import { createHcpTerraform } from "../../handlers/lib/vendors/hcp-terraform/client.ts";
import { startHcpTerraformFake } from "../fakes/hcp-terraform.ts";
import { createCredential } from "./credential.ts";
import { describeVendorContract, type VendorTraits } from "./vendor.ts";

const traits: VendorTraits = {
  agents: { states: ["gone"], removable: "gone" },
  queueTimes: true,
  paged: ["listAgents", "readDemand"],
};

const statuses: Readonly<Record<string, string>> = { idle: "idle", busy: "busy", gone: "exited" };

describeVendorContract("hcp-terraform", traits, async ({ clock, timeoutMilliseconds }) => {
  const fake = await startHcpTerraformFake({ clock });
  const { state } = fake;
  const pool = state.addPool("aws");
  state.addPool("aws-other");
  const { readToken, ...credential } = createCredential(fake.token, (token) => {
    state.token = token;
  });
  const vendor = createHcpTerraform(
    { type: "hcp-terraform", organization: state.organization, agentPool: "aws", address: fake.url, demand: "api" },
    { clock, timeoutMilliseconds, readToken },
  );
  return {
    vendor,
    fake,
    ...credential,
    lists: { agents: ({ path }) => path.endsWith("/agents"), jobs: ({ path }) => path.endsWith("/runs") },
    addAgent: (name, each) => state.registerAgent(name, pool, statuses[each] ?? "resting"),
    addJob: () => state.queueRun(state.addWorkspace(`workspace-${state.workspaces.size}`, pool)),
  };
});

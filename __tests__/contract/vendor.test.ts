import { createHcpTerraform } from "../../handlers/vendors/hcp-terraform/client.ts";
import { startHcpTerraformFake } from "../fakes/hcp-terraform.ts";
import { describeVendorContract } from "./vendor.ts";

describeVendorContract("hcp-terraform", async ({ clock, timeoutMs }) => {
  const fake = await startHcpTerraformFake({ clock });
  const { state } = fake;
  const pool = state.addPool("aws");
  state.addPool("aws-other");
  let newest = fake.token;
  let cached = newest;
  const vendor = createHcpTerraform(
    { type: "hcp-terraform", organization: state.organization, agentPool: "aws", address: fake.url, demand: "api" },
    {
      clock,
      timeoutMs,
      readToken: ({ fresh = false } = {}) => {
        if (fresh) cached = newest;
        return Promise.resolve(cached);
      },
    },
  );
  return {
    vendor,
    fake,
    credential: fake.token,
    paths: { agents: /\/agents$/, jobs: /\/runs$/ },
    addAgent: (name, status) =>
      state.registerAgent(
        name,
        pool,
        { idle: "idle", busy: "busy", gone: "exited", "of-the-future": "resting" }[status],
      ),
    addJob: () => state.queueRun(state.addWorkspace(`workspace-${state.workspaces.size}`, pool)),
    revokeCredential() {
      state.token = "test-token-of-nobody";
    },
    rotateCredential() {
      newest = "test-token-rotated";
      state.token = newest;
    },
  };
});

import type { Clock } from "../../handlers/lib/core/ports.ts";
import { systemClock } from "../../handlers/lib/runtime/clock.ts";
import { errorAnswer } from "./hcp-terraform/json-api.ts";
import { sendRunNotification } from "./hcp-terraform/notifications.ts";
import { createRoutes } from "./hcp-terraform/routes.ts";
import { HcpTerraformState } from "./hcp-terraform/state.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "./http-fake.ts";

/** HCP Terraform's API as a loopback server, for one organization named `acme`. */
export interface HcpTerraformFake extends HttpFake {
  /** The one API token that it accepts; change `state.token` to rotate it. */
  readonly token: string;
  readonly state: HcpTerraformState;
  /** Sends a run notification to the workspace's configurations; resolves to the statuses they were answered with. */
  notify(runId: string, trigger: string): Promise<number[]>;
}

/** Starts the fake on a free port. `clock` times what it creates and its rate limit. */
export async function startHcpTerraformFake(options: { clock?: Clock } = {}): Promise<HcpTerraformFake> {
  const token = "test-token";
  const state = new HcpTerraformState(options.clock ?? systemClock, token);
  const api = createRoutes(state, () => http.url);

  const http = await startHttpFake((request) => {
    if (request.path.startsWith("/v1/object/")) return blob(state, request);
    if (request.headers.authorization !== `Bearer ${state.token}`) return errorAnswer(401, "unauthorized");
    return api(request);
  });

  return Object.assign(http, {
    token,
    state,
    notify(runId: string, trigger: string) {
      const run = state.runs.get(runId);
      if (!run) throw new Error(`the fake knows no ${runId}`);
      return sendRunNotification(state, run, trigger);
    },
  });
}

/** Uploads and logs: no credential but the secret in the address. */
function blob(state: HcpTerraformState, { method, path, body }: FakeRequest): FakeAnswer {
  const name = path.slice("/v1/object/".length);
  if (method === "GET") return { status: 200, text: name.startsWith("plans-") ? state.logs.plan : state.logs.apply };
  const version = state.configurationVersions.get(
    Buffer.from(name, "base64url").toString().replace("canary-upload-", ""),
  );
  if (method !== "PUT" || !version || version.content) return errorAnswer(404, "not found");
  version.content = body;
  return { status: 200 };
}

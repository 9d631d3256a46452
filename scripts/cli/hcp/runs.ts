import * as z from "zod";
import { isProtected } from "../../../handlers/lib/core/address.ts";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { HcpTerraformApi } from "../../../handlers/lib/vendors/hcp-terraform/api.ts";
import { createHttp, type HttpOptions, type HttpRequest, pathOf } from "../../../handlers/lib/vendors/http.ts";

/** The state of a run. */
export interface Run {
  readonly id: string;
  readonly status: string;
  /** Whether the run waits for a person to confirm or discard it. */
  readonly confirmable: boolean;
  /** How its end can be asked for now; `undefined`: the API does not allow it, or does not tell. */
  readonly stoppable: "cancel" | "discard" | undefined;
  readonly planId: string | undefined;
  readonly applyId: string | undefined;
}

/** An operator's calls about runs. Each may reject with a `VendorApiError`; its message contains the API's reason. */
export interface RunCalls {
  createConfigurationVersion(
    workspaceId: string,
    options: { readonly speculative: boolean },
  ): Promise<{ readonly id: string; readonly uploadUrl: string }>;
  /** Sends a gzipped tar archive. The address itself is the credential; the request carries no other. */
  upload(uploadUrl: string, archive: Uint8Array): Promise<void>;
  /** `pending`, `fetching`, `uploaded`, `errored`, … */
  configurationVersionStatus(id: string): Promise<string>;
  createRun(options: {
    readonly workspaceId: string;
    readonly configurationVersionId: string;
    readonly message: string;
    readonly planOnly: boolean;
    /** Left out: as the workspace is set. */
    readonly autoApply: boolean | undefined;
  }): Promise<Run>;
  getRun(id: string): Promise<Run>;
  /**
   * Asks for the run's end. A cancelled run ends some time later.
   *
   * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#cancel-a-run
   */
  stopRun(id: string, how: "cancel" | "discard"): Promise<void>;
  /** The log of a plan or apply; `undefined` while there is none. */
  readLog(kind: "plans" | "applies", id: string): Promise<string | undefined>;
}

const uploadTimeoutMilliseconds = 300_000;
const shortestSignature = 24;

const newConfigurationVersion = z.object({
  data: z.object({ id: z.string(), attributes: z.object({ "upload-url": z.string() }) }),
});
const configurationVersion = z.object({ data: z.object({ attributes: z.object({ status: z.string() }) }) });
const phase = z.object({ data: z.object({ id: z.string() }).nullish() }).nullish();
const flag = z.boolean().nullish();
const run = z.object({
  data: z.object({
    id: z.string(),
    attributes: z.object({
      status: z.string(),
      actions: z.object({ "is-confirmable": flag, "is-cancelable": flag, "is-discardable": flag }).nullish(),
    }),
    relationships: z.object({ plan: phase, apply: phase }),
  }),
});
const logged = z.object({ data: z.object({ attributes: z.object({ "log-read-url": z.string().nullish() }) }) });

/** See {@link RunCalls}. */
export function createRunCalls(api: HcpTerraformApi, options: Omit<HttpOptions, "baseUrl">): RunCalls {
  /** A call of an address that the API gave out. The address is its own credential. */
  const elsewhere = (
    url: string,
    request: Pick<HttpRequest, "method" | "body" | "label">,
    timeoutMilliseconds?: number,
  ) =>
    createHttp({ ...options, baseUrl: safeAddress(url), timeoutMilliseconds }).send({
      ...request,
      path: "",
      secrets: secretsIn(url),
    });

  return {
    async createConfigurationVersion(workspaceId, { speculative }) {
      const attributes = { "auto-queue-runs": false, speculative };
      const body = { data: { type: "configuration-versions", attributes } };
      const path = pathOf("workspaces", workspaceId, "configuration-versions");
      const request = { method: "POST", path, body, credentialField: "upload-url" } as const;
      const { data } = (await api.json(newConfigurationVersion, request)).body;
      return { id: data.id, uploadUrl: data.attributes["upload-url"] };
    },

    async upload(uploadUrl, archive) {
      const request = { method: "PUT", body: archive, label: "upload of the configuration" } as const;
      await elsewhere(uploadUrl, request, uploadTimeoutMilliseconds);
    },

    async configurationVersionStatus(id) {
      const path = pathOf("configuration-versions", id);
      return (await api.json(configurationVersion, { method: "GET", path })).body.data.attributes.status;
    },

    async createRun({ workspaceId, configurationVersionId, message, planOnly, autoApply }) {
      const body = {
        data: {
          type: "runs",
          attributes: { message, "plan-only": planOnly, ...(autoApply !== undefined && { "auto-apply": autoApply }) },
          relationships: {
            workspace: { data: { type: "workspaces", id: workspaceId } },
            "configuration-version": { data: { type: "configuration-versions", id: configurationVersionId } },
          },
        },
      };
      return runOf((await api.json(run, { method: "POST", path: "/runs", body })).body);
    },

    async getRun(id) {
      return runOf((await api.json(run, { method: "GET", path: pathOf("runs", id) })).body);
    },

    async stopRun(id, how) {
      await api.send({ method: "POST", path: pathOf("runs", id, "actions", how), body: {} });
    },

    async readLog(kind, id) {
      const { body } = await api.json(logged, {
        method: "GET",
        path: pathOf(kind, id),
        credentialField: "log-read-url",
      });
      const url = body.data.attributes["log-read-url"];
      return url ? (await elsewhere(url, { method: "GET", label: "reading of the log" })).text : undefined;
    },
  };
}

function runOf({ data: { id, attributes, relationships } }: z.output<typeof run>): Run {
  const { actions } = attributes;
  const discardable = actions?.["is-discardable"] ? "discard" : undefined;
  return {
    id,
    status: attributes.status,
    confirmable: actions?.["is-confirmable"] ?? false,
    stoppable: actions?.["is-cancelable"] ? "cancel" : discardable,
    planId: relationships.plan?.data?.id,
    applyId: relationships.apply?.data?.id,
  };
}

/** Refuses addresses that are neither https nor on this machine, because state and logs contain secrets. */
function safeAddress(url: string): string {
  const address = new URL(url);
  if (isProtected(address)) return url;
  throw new VendorApiError("malformed", `the API names an address at ${address.hostname} that is not https`);
}

/** The parts of a signed address that are long enough to be a secret: ids and times are shorter. */
function secretsIn(url: string): readonly string[] {
  const { pathname, searchParams } = new URL(url);
  return [...pathname.split("/"), ...searchParams.values()].filter((part) => part.length >= shortestSignature);
}

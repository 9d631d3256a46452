import * as z from "zod";
import type { SemaphoreFake } from "../fakes/semaphore.ts";
import type { AwsFront } from "./aws-front.ts";
import { ask } from "./aws-listings.ts";
import type { Boot, VendorAgents } from "./instances.ts";

const settingsOfAgent = z.object({
  endpoint: z.string(),
  "no-https": z.boolean(),
  "disconnect-after-job": z.boolean(),
  "interruption-grace-period": z.number(),
});
const registered = z.object({ token: z.string() });
const synced = z.object({ action: z.string(), job_id: z.string().optional() });

interface Agent {
  readonly accessToken: string;
  job: string | undefined;
  /** A retirement told its instance to finish, and needs no message when the agent leaves. */
  drained: boolean;
  left: boolean;
}

/** Agents that follow their instances' settings, as far as the outside sees it. */
export interface SemaphoreAgents extends VendorAgents {
  /** Sends a message to the release queue with a sender: `AROA…:i-…`. */
  sendToQueue(sender: string, message: object): Promise<void>;
  /** An instance's identity in AWS. */
  sessionOf(instance: string): string;
}

/**
 * The agents of a fleet. The front uses them for scripts that the fleet runs on instances, such as the boot's `drain`.
 */
export async function createSemaphoreAgents(at: {
  readonly front: AwsFront;
  readonly region: string;
  readonly semaphore: SemaphoreFake;
  readonly boot: Boot;
}): Promise<SemaphoreAgents> {
  const { front, region, semaphore, boot } = at;
  const setting = (name: string) => {
    const value = boot.settings[`AGENT_FLEETS_SEMAPHORE_${name}`];
    if (value === undefined) throw new Error(`the boot has no ${name}`);
    return value;
  };
  const config = settingsOfAgent.parse(JSON.parse(setting("CONFIG")));
  const api = `${config["no-https"] ? "http" : "https"}://${config.endpoint}/api/v1/self_hosted_agents`;
  const roleId = await roleIdOf(boot.profileArn);
  /** By instance. */
  const agents = new Map<string, Agent>();

  async function roleIdOf(profileArn: string): Promise<string> {
    const query = { Action: "GetInstanceProfile", Version: "2010-05-08" };
    const body = new URLSearchParams({ ...query, InstanceProfileName: profileArn.replace(/^.*\//, "") });
    const profile = await ask(front.url, region, "iam", "/", { method: "POST", body });
    return /<RoleId>([^<]*)</.exec(profile)?.[1] ?? "";
  }

  function askAs(sender: string, service: string, target: string, input: object): Promise<string> {
    const headers = { "x-amz-target": target, "content-type": "application/x-amz-json-1.1" };
    return ask(front.url, region, service, "/", { method: "POST", body: JSON.stringify(input), headers }, sender);
  }

  async function post<T>(schema: z.ZodType<T>, path: string, token: string, body: object): Promise<T> {
    const headers = { authorization: `Token ${token}` };
    const response = await fetch(`${api}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: Semaphore answered ${response.status}`);
    const text = await response.text();
    return schema.parse(text === "" ? {} : JSON.parse(text));
  }

  function agentOf(instance: string): Agent {
    const agent = agents.get(instance);
    if (!agent) throw new Error(`${instance} has no agent`);
    return agent;
  }

  /** Reports its state, and does what Semaphore answers. */
  async function sync(instance: string, doing: string): Promise<void> {
    const agent = agentOf(instance);
    const interrupted = agent.drained && { interrupted_at: 1 };
    const { action, job_id } = await post(synced, "sync", agent.accessToken, { state: doing, ...interrupted });
    if (action === "run-job") agent.job = job_id;
    if (action !== "shutdown") return;
    await post(z.object({}), "disconnect", agent.accessToken, {});
    agent.left = true;
    if (!agent.drained) await self.sendToQueue(self.sessionOf(instance), { reason: "JOB_FINISHED" });
  }

  front.runOnInstance = async (instance, command) => {
    const agent = agents.get(instance);
    if (command !== "/opt/agent-fleets/drain" || agent === undefined) return undefined;
    self.onTold?.("drain", instance);
    agent.drained = true;
    if (!agent.left && agent.job === undefined) await sync(instance, "waiting-for-jobs");
    return agent.left ? "idle\n" : "busy\n";
  };

  const self: SemaphoreAgents = {
    onTold: undefined,
    isBusy: (instance) => agents.get(instance)?.job !== undefined,
    sessionOf: (instance) => `${roleId}:${instance}`,
    async sendToQueue(sender, message) {
      const input = { QueueUrl: boot.settings.AGENT_FLEETS_RELEASE_QUEUE_URL, MessageBody: JSON.stringify(message) };
      await askAs(sender, "sqs", "AmazonSQS.SendMessage", input);
    },
    async arrive({ id, role }) {
      const query = { SecretId: setting("TOKEN_ARN") };
      const secret = await askAs(self.sessionOf(id), "secretsmanager", "secretsmanager.GetSecretValue", query);
      const { token } = await post(registered, "register", JSON.parse(secret).SecretString, {
        name: `${id}_1`,
        single_job: config["disconnect-after-job"],
        idle_timeout: role === "floor" ? 0 : Number(setting("IDLE_TIMEOUT_SECONDS")),
      });
      agents.set(id, { accessToken: token, job: undefined, drained: false, left: false });
      await self.sendToQueue(self.sessionOf(id), { reason: "registered" });
    },
    async takeJob(instance) {
      const { job, left } = agentOf(instance);
      if (job === undefined && !left) await sync(instance, "waiting-for-jobs");
    },
    async finishJob(instance) {
      const agent = agentOf(instance);
      if (agent.job !== undefined) semaphore.finishJob(agent.job);
      agent.job = undefined;
      await sync(instance, "finished-job");
    },
    vanish(instance) {
      agents.delete(instance);
    },
  };
  return self;
}

import type { Construct } from "constructs";
import { ArchiveProvider } from "#provider-archive/provider";
import { agentPrice } from "../scripts/prices/compute.ts";
import { BaseStack } from "./base-stack.ts";
import { type BootTimes, bootTimes } from "./config/boot-times.ts";
import { withoutBlindTypes } from "./config/compute/own-tags.ts";
import type { Ec2FleetConfig } from "./config/ec2-fleet.ts";
import { nextSteps } from "./config/next-steps.ts";
import { partitionOf } from "./config/regions.ts";
import { vendorOf } from "./config/vendors/index.ts";
import { AsgCapacity } from "./constructs/instances/asg-capacity.ts";
import { InstanceRole } from "./constructs/instances/role.ts";
import { InstanceTemplate } from "./constructs/instances/template.ts";
import { instanceUserData } from "./constructs/instances/user-data.ts";
import { createLogGroup, grantLogWrite, logGroupName } from "./constructs/log-group.ts";
import { fleetNetwork } from "./constructs/network/fleet-network.ts";
import { ReleaseQueue } from "./constructs/retirement/release-queue.ts";
import type { Escaped } from "./constructs/terraform-text.ts";
import { FleetControl } from "./fleet-control.ts";
import { FleetSecrets } from "./vendors/fleet-secrets.ts";
import { vendorSynth } from "./vendors/index.ts";
import { outboundOf } from "./vendors/outbound.ts";
import type { AgentInstance } from "./vendors/vendor-synth.ts";

/** The boot program's own log; see agents/ec2/README.md. */
const bootLog = { boot: "/var/log/agent-fleets/boot.log" };

/** `kind: ec2-fleet`: one vendor's agents on the instances of an Auto Scaling group, and the loop that scales them. */
export class Ec2FleetStack extends BaseStack<Escaped<Ec2FleetConfig>> {
  constructor(scope: Construct, name: string, config: Escaped<Ec2FleetConfig>) {
    super(scope, name, config);
    const { context, tags } = this;
    const { agents } = config;
    const { asksInstances, readsOwnTags } = vendorOf(config);
    const compute = readsOwnTags
      ? { ...config.compute, instances: withoutBlindTypes(config.compute.instances) }
      : config.compute;
    new ArchiveProvider(this, "archive");
    const network = fleetNetwork(this, config.network, context, "instances");
    const secrets = new FleetSecrets(this, { context, config });
    const vendor = vendorSynth(config.vendor.type, config, (...secret) => secrets.make(...secret), name);
    const outbound = outboundOf(this, config, context);
    const releaseQueue = new ReleaseQueue(this, "release-queue", context);
    const role = new InstanceRole(this, "role", { context, role: compute.instanceRole });
    const agent = vendor.instance({
      partition: partitionOf(config.region),
      agents,
      architecture: compute.architecture,
      drainTimeoutSeconds: config.retirement.drainTimeoutSeconds,
    });
    for (const statement of agent.statements) role.allow(statement);
    role.allow({ actions: ["sqs:SendMessage"], resources: [releaseQueue.arn] });
    role.grant((own) => {
      for (const secret of agent.secrets) secret.grantRead(own);
      outbound.grantRead(own);
      // This key may also encrypt resources in the vendor's statements.
      own.allowKey(context, ["kms:Decrypt"]);
    });
    const times = bootTimes(agents.registrationGraceSeconds);
    const logs = compute.hostLogs ? this.logs(agent, role) : undefined;
    const template = new InstanceTemplate(this, "instance", {
      context,
      compute,
      network,
      ami: compute.ami ?? agent.defaultAmi,
      profileArn: role.profileArn,
      userData: instanceUserData(this, {
        settings: {
          ...this.settings(times, releaseQueue, logs?.files),
          ...outbound.instanceSettings,
          ...agent.settings,
        },
        files: agent.bootFiles,
        everyStart: compute.warmPool !== undefined,
      }),
      tags,
    });
    const capacity = new AsgCapacity(this, "capacity", {
      context,
      agents,
      bootSeconds: times.bootSeconds,
      compute,
      network,
      template,
      role,
      releaseQueue,
      asksInstances,
      tags,
    });
    const { outputs } = new FleetControl(this, {
      context,
      config,
      vendor,
      outbound,
      capacity,
      secrets,
      network,
      price: agentPrice({ kind: "instance" }),
      renewal: {
        maxLifetimeSeconds: compute.maxLifetimeSeconds === 0 ? undefined : compute.maxLifetimeSeconds,
        renewAtOncePercent: compute.refresh.enabled ? compute.refresh.atOncePercent : undefined,
      },
    });

    this.output("autoscaling_group_name", capacity.name);
    this.output("autoscaling_group_arn", capacity.arn);
    this.output("on_demand_group_name", capacity.onDemandName);
    this.output("launch_template_id", template.id);
    this.output("instances_role_arn", role.arn);
    this.output("instances_role_name", role.name);
    this.output("vpc_id", network.vpcId);
    this.output("agent_security_group_ids", network.securityGroupIds);
    this.output("log_group_arns", logs?.arns);
    for (const [output, value] of Object.entries(outputs)) this.output(output, value);
    this.output("next_steps", nextSteps(name, { buildsImage: false }));
  }

  /** Settings for every vendor's boot program: agents/ec2/README.md. */
  private settings(
    times: BootTimes,
    releaseQueue: ReleaseQueue,
    files: Readonly<Record<string, string>> = {},
  ): Record<string, string> {
    const { config, context } = this;
    return {
      AGENT_FLEETS_FLEET: context.name,
      AGENT_FLEETS_REGION: config.region,
      AGENT_FLEETS_GROUP: context.name,
      AGENT_FLEETS_RELEASE_QUEUE_URL: releaseQueue.url,
      AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: String(config.agents.registrationGraceSeconds),
      AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS: String(times.earliestPowerOffSeconds),
      AGENT_FLEETS_BOOT_SECONDS: String(times.bootSeconds),
      AGENT_FLEETS_WARM_POOL: String(config.compute.warmPool !== undefined),
      ...(config.vendor.setup !== "" && { AGENT_FLEETS_SETUP: config.vendor.setup }),
      AGENT_FLEETS_LOG_GROUP: logGroupName(context.name),
      AGENT_FLEETS_LOG_FILES: Object.entries(files)
        .map(([log, file]) => `${log}=${file}`)
        .join("\n"),
    };
  }

  /** A log group per log. Instances may write to it, but not create it. */
  private logs({ logs }: AgentInstance, role: InstanceRole) {
    const files = { ...bootLog, ...logs };
    const arns = Object.keys(files).map((log) => {
      const group = createLogGroup(this, `log-${log}`, this.context, logGroupName(this.context.name, log));
      role.grant((own) => grantLogWrite(group, own));
      return group.arn;
    });
    return { files, arns };
  }
}

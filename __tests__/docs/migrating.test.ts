import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { stackConfig } from "../../stacks/config/schema.ts";

const root = new URL("../../", import.meta.url);
const words = (text: string) => text.trim().split(/\s+/);

/** A page → the kinds it leads to, and the names that users of what it leads from know: variables, outputs, scripts. */
const pages = {
  "tfc-agent-ecs": {
    kinds: ["ecs-fleet"],
    names: words(`
      desired_count max_count notification_token tfc_agent_token prefix region ttl task_cpu task_mem task_def_cpu
      task_def_mem ip_cidr_vpc ip_cidr_agent_subnet webhook_url terraform_dev_role vpc_id create_tfc_agent_token.sh
      delete_tfc_agent_token.sh add_notification_to_workspaces.sh change_ws_exec_mode.sh api_gateway_enabled
      app_version`),
  },
  "azure-devops-agents": {
    kinds: ["ecs-fleet"],
    names: words(`
      ado_org_name ado_pat ado_pool_id ado_pool_name agent_cw_namespace agent_cw_metric agent_cw_metric_prefix
      function_timeout_seconds assign_public_ip subnet agent_security_group agent_cluster_name image_name ado_secret_arn
      ecs_service_arn Namespace MetricData[] image_tag_mutability image_scan_on_push workflow_logging_enabled agent_image
      state_machine_name`),
  },
  // Without the prefix SEMAPHORE_AGENT_.
  "semaphore-aws-stack": {
    kinds: ["ec2-fleet"],
    names: words(`
      SEMAPHORE_ORGANIZATION SEMAPHORE_ENDPOINT STACK_NAME TOKEN_PARAMETER_NAME TOKEN_KMS_KEY INSTANCE_TYPE ASG_MIN_SIZE
      ASG_MAX_SIZE ASG_DESIRED USE_DYNAMIC_SCALING SECURITY_GROUP_ID KEY_NAME VPC_ID SUBNETS DISCONNECT_AFTER_JOB
      DISCONNECT_AFTER_IDLE_TIMEOUT CACHE_BUCKET_NAME AMI STACK_CONFIG ASG_INSTANCE_REQUIREMENTS_JSON ASG_METRICS
      ASG_MAX_INSTANCE_LIFETIME OS ARCH MANAGED_POLICY_NAMES VOLUME_NAME VOLUME_TYPE VOLUME_SIZE VOLUME_IOPS
      VOLUME_THROUGHPUT TAGS LICENSE_CONFIGURATION_ARN MAC_FAMILY MAC_DEDICATED_HOSTS AZS USE_PRE_SIGNED_URL
      OVERPROVISION_STRATEGY USE_IPV6 ALLOW_PUBLIC_SUBNET ON_DEMAND_BASE_CAPACITY ON_DEMAND_PERCENTAGE_ABOVE_BASE
      SPOT_ALLOCATION_STRATEGY ASG_WARM_POOL_STATE USE_WARM_POOL VERSION VM_USER TYPE_NAME
      SEMAPHORE_API_TOKEN_PARAMETER_NAME`),
  },
  "spacelift-workerpool": {
    kinds: ["ec2-fleet"],
    names: words(`
      worker_pool_id security_groups vpc_subnets min_size max_size ec2_instance_type ami_id ami_architecture
      secure_env_vars secure_env_vars_kms_key_id configuration byo_secretsmanager byo_ssm base_name
      spacelift_api_credentials api_key_id api_key_secret api_key_endpoint autoscaling_configuration
      schedule_expression max_create max_terminate scale_down_delay timeout architecture s3_package
      autoscaling_vpc_subnets autoscaling_vpc_sg_ids autoscaling_tracing_mode lifecycle_hook_timeout
      instance_refresh instance_market_options volume_size volume_throughput volume_encryption
      volume_encryption_kms_key_id enable_monitoring enabled_metrics disable_container_credentials
      create_iam_role custom_iam_role_name extra_iam_statements iam_permissions_boundary
      additional_tags tag_specifications launch_template_version poweroff_delay domain_name
      selfhosted_configuration s3_uri run_launcher_as_spacelift_user http_proxy_config https_proxy_config
      no_proxy_config ca_certificates power_off_on_error cloudwatch_log_group_retention
      cloudwatch_kms_key_id cloudwatch_skip_destroy import_cloudwatch_log_groups
      env_vars network_interfaces manage_log_groups
      instances_role_arn instances_role_name autoscaling_group_arn autoscaling_group_name launch_template_id`),
  },
  "terraform-modules": {
    kinds: ["ecs-cluster", "network"],
    names: words(`
      aws_region environment cluster instance_group vpc_cidr public_subnet_cidrs private_subnet_cidrs availability_zones
      destination_cidr_block vpc_id private_subnet_ids public_subnet_ids depends_id max_size min_size desired_capacity
      instance_type ecs_aws_ami aws_ami key_name ecs_public_key iam_instance_profile_id custom_userdata ecs_config
      ecs_logging cloudwatch_prefix load_balancers alb_name deregistration_delay health_check_path allow_cidr_block
      certificate_arn prefix cluster_id instance_security_group_id ecs_instance_security_group_id alb_security_group_id
      default_alb_target_group ecs_deployer_access_key ecs_deployer_secret_key cluster_name availibility_zones name cidrs`),
  },
};

describe.each(Object.entries(pages))("the page on coming from %s", (page, { kinds, names }) => {
  const lines = readFileSync(new URL(`docs/migrating-from-${page}.md`, root), "utf8").split("\n");
  const schemas = stackConfig.options
    .filter(({ shape }) => kinds.includes(shape.kind.value))
    .map((schema) => z.toJSONSchema(schema, { io: "input" }));

  it.each(names)("has a line for %s", (name) => {
    const rows = lines.map((line) => line.split("|").slice(1, -1));
    const row = rows.find(([there = ""]) =>
      codesIn(there).some((code) => code.replace("· ", "").split(" ")[0] === name),
    );
    expect(row?.at(-1)?.trim(), `add a row for \`${name}\` to docs/migrating-from-${page}.md`).toBeTruthy();
  });

  it("names keys that there are", () => {
    const codes = lines.flatMap((line) => codesIn(line.replace(/^\|[^|]*\|/, "")));
    const paths = codes.flatMap(pathsIn);
    expect(paths.length).toBeGreaterThan(7);
    const hint = `docs/migrating-from-${page}.md names keys that no schema has: correct them there`;
    expect(
      paths.filter((path) => !schemas.some((schema) => reaches(schema, path.split(".")))),
      hint,
    ).toEqual([]);
    // Such as `.iops` or `kmsKeyArn`: what they are below is said before them.
    const ends = codes.flatMap((code) => /^\.?([a-z]+[A-Z]\w*)$|^\.(\w+)$/.exec(code)?.slice(1) ?? []).filter(Boolean);
    expect(
      ends.filter((key) => !JSON.stringify(schemas).includes(`"${key}":`)),
      hint,
    ).toEqual([]);
  });

  it("names configs that are shipped", () => {
    const configs = codesIn(lines.join("\n")).filter((code) => /^config\/.*\.yaml$/.test(code));
    const gone = configs.filter((path) => !existsSync(new URL(path, root)));
    expect(gone, `docs/migrating-from-${page}.md names configs that are gone: correct them there`).toEqual([]);
    if (page === "spacelift-workerpool") expect(configs).toHaveLength(8);
  });
});

function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
}

/** The paths of keys that `a.b`, `a[].b`, `a.b: value` and `a: { b, c: value }` name. Names without a dot are anybody's. */
function pathsIn(code: string): string[] {
  const [, path = "", , value = ""] = /^([a-z]+(?:(?:\[\])?\.\w+|\[\])*)(: (.*))?$/i.exec(code) ?? [];
  const key = path.replaceAll("[]", "");
  const inner = /^\{ (.*) \}$/.exec(value)?.[1]?.split(", ") ?? [];
  const below = inner.map((each) => each.split(":")[0] ?? "").filter((each) => /^\w+$/.test(each));
  if (below.length > 0) return below.map((each) => `${key}.${each}`);
  return key.includes(".") && !/\.(io|com)$/.test(key) ? [key] : [];
}

/** Whether a JSON schema knows a path of keys, in any of its alternatives, whatever lists and mappings are between. */
function reaches(schema: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path;
  if (typeof schema !== "object" || schema === null) return false;
  if (key === undefined) return true;
  const { properties, additionalProperties, items, anyOf = [], oneOf = [], allOf = [] } = schema as JsonSchema;
  return (
    (properties !== undefined && key in properties && reaches(properties[key], rest)) ||
    reaches(additionalProperties, rest) ||
    [items, ...anyOf, ...oneOf, ...allOf].some((each) => reaches(each, path))
  );
}

type JsonSchema = Readonly<Partial<Record<"anyOf" | "oneOf" | "allOf", readonly unknown[]>>> & {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
  readonly items?: unknown;
};

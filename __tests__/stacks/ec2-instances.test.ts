import { describe, expect, it } from "vitest";
import {
  actionsOf,
  bootProgramOf,
  fleet,
  given,
  group,
  kmsKeyArn,
  semaphore,
  spacelift,
  template,
  templateOf,
} from "./ec2-fleet.ts";
import { resources, rightsOf, type Synthesized, statements, synthesize, theOnly } from "./synth.ts";

const disk = (stack: Synthesized) => (template(stack).block_device_mappings as object[])[0];

describe("the launch template", () => {
  it("demands IMDSv2, keeps containers from it, and ends what powers off", () => {
    expect(templateOf({})).toMatchObject({
      metadata_options: {
        http_endpoint: "enabled",
        http_tokens: "required",
        http_put_response_hop_limit: 1,
        instance_metadata_tags: "enabled",
      },
      instance_initiated_shutdown_behavior: "terminate",
    });
    expect(templateOf({ disableContainerCredentials: false })).toMatchObject({
      metadata_options: { http_tokens: "required", http_put_response_hop_limit: 2 },
    });
  });

  it("shows its tags to the instance only if EC2 can show all of them", () => {
    const shown = (tags: object) => template(fleet({ tags })).metadata_options;
    expect(shown({ team: "ci" })).toHaveProperty("instance_metadata_tags", "enabled");
    expect(shown({ "cost centre": "ci" })).toHaveProperty("instance_metadata_tags", "disabled");
  });

  it.each([
    ["cn-north-1", "ec2.amazonaws.com.cn"],
    ["us-gov-west-1", "ec2.amazonaws.com"],
  ])("starts with a role that EC2 may assume in %s", (region, principal) => {
    const stack = synthesize({
      ...semaphore,
      region,
      network: given,
      compute: { ami: { id: "ami-0123456789abcdef0" } },
    });
    const role = resources(stack, "aws_iam_role").find(({ name }) => name === `ci-instance-${region}`);
    expect(statements(role?.assume_role_policy).map(({ Principal }) => Principal)).toEqual([{ Service: principal }]);
  });

  it("has an encrypted gp3 disk, with the key of the stack where there is one", () => {
    const volume = { sizeGiB: 100, iops: 4000, throughputMiBps: 500 };
    expect(disk(fleet({ compute: { volume }, kmsKeyArn }))).toEqual({
      device_name: expect.stringMatching(/^\$\{data\.aws_ami\.\w+\.root_device_name\}$/),
      ebs: {
        volume_type: "gp3",
        volume_size: 100,
        iops: 4000,
        throughput: 500,
        encrypted: "true",
        kms_key_id: kmsKeyArn,
        delete_on_termination: "true",
      },
    });
    expect(disk(fleet())).toMatchObject({ ebs: { encrypted: "true" } });
  });

  it.each([
    { id: "ami-0123456789abcdef0" },
    { ssmParameter: "/ci/ami" },
    { nameFilter: "ci-*", owners: ["self"] },
    { stack: "base" },
  ])("has the disk at the root device of the image, whichever it is: %j", (ami) => {
    const stack = fleet({ compute: { ami } });
    const [[id, image] = ["", {}]] = Object.entries(stack.data.aws_ami ?? {});
    expect(disk(stack)).toMatchObject({ device_name: `\${data.aws_ami.${id}.root_device_name}` });
    expect(image).not.toHaveProperty("lifecycle.postcondition.1");
    const named = fleet({ compute: { ami, volume: { deviceName: "/dev/sda1" } } });
    expect(Object.values(named.data.aws_ami ?? {})[0]).toMatchObject({
      lifecycle: {
        postcondition: expect.arrayContaining([
          {
            condition: '${self.root_device_name == "/dev/sda1"}',
            error_message:
              "compute.volume.deviceName is /dev/sda1, and the image has another root device: leave it out.",
          },
        ]),
      },
    });
  });

  it("has an image of its architecture, by a filter where there are several, else by a check", () => {
    const imageOf = (ami: object) =>
      Object.values(fleet({ compute: { ami, architecture: "arm64" } }).data.aws_ami ?? {})[0];
    expect(imageOf({ nameFilter: "ci-*", owners: ["self"] })).toMatchObject({
      filter: expect.arrayContaining([{ name: "architecture", values: ["arm64"] }]),
    });
    expect(imageOf({ id: "ami-0123456789abcdef0" })).toMatchObject({
      filter: [{ name: "image-id", values: ["ami-0123456789abcdef0"] }],
      lifecycle: { postcondition: [expect.objectContaining({ condition: '${self.architecture == "arm64"}' })] },
    });
  });

  it("knows Amazon Linux's root device, and takes no other for it", () => {
    const ssmParameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    expect(disk(fleet({ compute: { ami: { ssmParameter } } }))).toMatchObject({ device_name: "/dev/xvda" });
    expect(() => fleet({ compute: { ami: { ssmParameter }, volume: { deviceName: "/dev/sda1" } } })).toThrow(
      "compute.volume.deviceName: must be left out or be /dev/xvda, the root device of Amazon Linux",
    );
  });

  it("takes the image that the config names, in each of three ways, or else the vendor's", () => {
    expect(templateOf({ ami: { id: "ami-0123456789abcdef0" } }).image_id).toBe("ami-0123456789abcdef0");
    const told = fleet({ compute: { ami: { ssmParameter: "/ci/ami" } } });
    const [parameter] = Object.entries(told.data.aws_ssm_parameter ?? {});
    expect(parameter?.[1]).toMatchObject({ name: "/ci/ami" });
    expect(template(told).image_id).toBe(`\${data.aws_ssm_parameter.${parameter?.[0]}.insecure_value}`);
    const named = fleet({ compute: { ami: { nameFilter: "ci-*", owners: ["self"] } } });
    const [image] = Object.entries(named.data.aws_ami ?? {});
    expect(image?.[1]).toMatchObject({
      most_recent: true,
      owners: ["self"],
      filter: expect.arrayContaining([{ name: "name", values: ["ci-*"] }]),
    });
    expect(template(named).image_id).toBe(`\${data.aws_ami.${image?.[0]}.id}`);
    expect(Object.values(fleet().data.aws_ami ?? {})[0]).toMatchObject({ owners: ["643313122712"] });
  });

  it("tells monitoring, tenancy, placement group and IPv6", () => {
    const network_interfaces = [expect.objectContaining({ ipv6_address_count: 1 })];
    const compute = { detailedMonitoring: true, tenancy: "dedicated", placementGroup: "near", ipv6: true };
    expect(templateOf(compute)).toMatchObject({
      monitoring: { enabled: true },
      placement: { tenancy: "dedicated", group_name: "near" },
      network_interfaces,
    });
    expect(templateOf({ placementGroup: "near" }).placement).toMatchObject({ group_name: "near" });
  });

  it("puts the tags on instances, their disks and their network cards", () => {
    const stack = fleet({ tags: { Team: "platform" } });
    const tags = { Fleet: "ci", ManagedBy: "agent-fleets", Name: "ci", Team: "platform" };
    expect(template(stack).tag_specifications).toEqual(
      ["instance", "volume", "network-interface"].map((resource_type) => ({ resource_type, tags })),
    );
    expect(group(stack).tag).toContainEqual({ key: "Team", value: "platform", propagate_at_launch: true });
  });

  it("boots by the library and the vendor's script, and knows secrets by ARN alone", () => {
    const stack = fleet();
    expect(template(stack).user_data).toBe("${base64gzip(local.boot-program)}");
    const program = bootProgramOf(stack);
    expect(program).toMatch(/^#!\/bin\/bash\nAGENT_FLEETS_FLEET='ci'\nAGENT_FLEETS_REGION='us-west-2'\n/);
    expect(program).toMatch(/SPACELIFT_TOKEN=\$\{aws_secretsmanager_secret\.secret-workerPoolToken[^}]*\.arn\}/);
    expect(program.indexOf("install_service() {")).toBeLessThan(program.indexOf("install_launcher() {"));
    expect(program.trimEnd()).toMatch(/"\$\$\{@:-install_service\}"$/);
  });
});

describe("the network", () => {
  it("Semaphore defect 4: has no way in, and port 22 only for named ranges together with a key pair", () => {
    const closed = fleet({ network: { create: {} } });
    expect(resources(closed, "aws_vpc_security_group_ingress_rule")).toEqual([]);
    expect(resources(closed, "aws_security_group").flatMap(({ ingress }) => ingress ?? [])).toEqual([]);
    expect(template(closed).key_name).toBeUndefined();

    const open = fleet({ compute: { ssh: { keyName: "ops", cidrs: ["203.0.113.0/24", "2001:db8::/48"] } } });
    const rule = { ip_protocol: "tcp", from_port: 22, to_port: 22 };
    expect(resources(open, "aws_vpc_security_group_ingress_rule")).toEqual([
      expect.objectContaining({ ...rule, cidr_ipv4: "203.0.113.0/24" }),
      expect.objectContaining({ ...rule, cidr_ipv6: "2001:db8::/48" }),
    ]);
    expect(template(open).key_name).toBe("ops");
    expect(template(open).network_interfaces).toEqual([
      expect.objectContaining({ security_groups: expect.arrayContaining([expect.stringContaining("ssh")]) }),
    ]);
  });
});

describe("what instances may do", () => {
  it("Spacelift defect 20, Semaphore defect 3: nothing to the group, to other instances or to queues of others", () => {
    for (const config of [spacelift, semaphore]) {
      const stack = synthesize({ ...config, network: given }, "ci");
      expect(
        actionsOf(stack, "role_instance").filter((action) => /^(autoscaling|ec2|sqs):/.test(String(action))),
      ).toEqual(["sqs:SendMessage"]);
      const everywhere = rightsOf(stack, "role_instance").filter(({ Resource }) => [Resource].flat().includes("*"));
      // What Session Manager and Run Command need; AWS knows no resources of these.
      expect(everywhere.flatMap(({ Action }) => Action).every((action) => /^(ssm|ec2)messages:/.test(action))).toBe(
        true,
      );
    }
  });

  it("Spacelift defect 20: no role of the fleet may do everything to anything, and none may end instances by EC2", () => {
    const roles = resources(fleet(), "aws_iam_role_policy").flatMap(({ policy }) => statements(policy));
    const actions = roles.flatMap(({ Action }) => Action);
    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
    expect(actions).not.toContain("ec2:TerminateInstances");
    const queues = roles.filter(({ Action }) => [Action].flat().some((action) => action.startsWith("sqs:")));
    expect(queues.flatMap(({ Resource }) => Resource)).not.toContain("*");
  });

  it("Semaphore defect 3: secrets and logs are readable and writable where they are this fleet's", () => {
    const stack = fleet({ kmsKeyArn });
    const rights = rightsOf(stack, "role_instance");
    const resourcesOf = (wanted: string) =>
      rights.filter(({ Action }) => Action.includes(wanted)).flatMap(({ Resource }) => Resource);
    expect(resourcesOf("secretsmanager:GetSecretValue")).toEqual([
      expect.stringContaining("secret-workerPoolToken"),
      expect.stringContaining("secret-poolPrivateKey"),
    ]);
    expect(resourcesOf("logs:PutLogEvents")).toEqual([
      "${aws_cloudwatch_log_group.log-boot.arn}:*",
      "${aws_cloudwatch_log_group.log-launcher-info.arn}:*",
      "${aws_cloudwatch_log_group.log-launcher-error.arn}:*",
    ]);
    expect(resourcesOf("kms:Decrypt")).toEqual([kmsKeyArn]);
    expect(actionsOf(stack, "role_instance")).not.toContain("logs:CreateLogGroup");
  });

  it("takes more policies and statements, within the boundary", () => {
    const permissionsBoundaryArn = "arn:aws:iam::111122223333:policy/boundary";
    const statement = { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::acme/*"] };
    const policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    const instanceRole = { extraPolicyArns: [policy], extraStatements: [statement] };
    const stack = fleet({ compute: { instanceRole }, iam: { permissionsBoundaryArn, path: "/ci/" } });
    expect(rightsOf(stack, "role_instance")).toContainEqual({
      Effect: "Allow",
      Action: statement.actions,
      Resource: statement.resources,
    });
    expect(theOnly(stack, "aws_iam_role_policy_attachment")).toMatchObject({ policy_arn: policy });
    expect(theOnly(stack, "aws_iam_instance_profile").path).toBe("/ci/");
    for (const role of resources(stack, "aws_iam_role")) expect(role.permissions_boundary).toBe(permissionsBoundaryArn);
  });

  it("takes statements that deny, and conditions", () => {
    const statement = {
      effect: "Deny",
      actions: ["s3:*"],
      resources: ["*"],
      conditions: { StringNotEquals: { "aws:ResourceAccount": ["111122223333"], "s3:x": "a" } },
    };
    const stack = fleet({ compute: { instanceRole: { extraStatements: [statement] } } });
    expect(rightsOf(stack, "role_instance")).toContainEqual({
      Effect: "Deny",
      Action: statement.actions,
      Resource: statement.resources,
      Condition: statement.conditions,
    });
  });

  it("may be a role of the user's, to which nothing is added", () => {
    const stack = fleet({ compute: { instanceRole: { name: "workers" } } });
    expect(theOnly(stack, "aws_iam_instance_profile").role).toBe("workers");
    expect(Object.keys(stack.resource.aws_iam_role_policy ?? {}).filter((id) => id.includes("role_instance"))).toEqual(
      [],
    );
    expect(stack.resource.aws_iam_role_policy_attachment).toBeUndefined();
  });

  it("has its rights before the first instance boots", () => {
    expect(group(fleet()).depends_on).toContainEqual(expect.stringMatching(/^aws_iam_role_policy\.role_instance/));
  });
});

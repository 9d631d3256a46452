import type { Construct } from "constructs";
import { DataAwsAmi, type DataAwsAmiConfig, type DataAwsAmiFilter } from "#provider-aws/data-aws-ami";
import { DataAwsSsmParameter } from "#provider-aws/data-aws-ssm-parameter";
import type { Ec2ComputeConfig } from "../../config/compute/ec2-compute.ts";
import { ConfigError } from "../../config/errors.ts";
import type { Architecture } from "../../config/primitives.ts";
import { builtAmi } from "../machine-image/built-ami.ts";

/** An AMI as a launch template or a recipe needs it. */
export interface Image {
  readonly id: string;
  /** The device whose size and encryption are the root disk's. */
  readonly rootDevice: string;
}

/** What an image must be. */
interface Wanted {
  readonly architecture: Architecture;
  /** The root device, where the config names it. */
  readonly deviceName: string | undefined;
  /** Place of {@link deviceName} in the config. */
  readonly devicePath: string;
}

/** AWS's public parameters of images whose root device is {@link amazonLinuxDevice}. */
const amazonLinuxParameters = ["/aws/service/ami-amazon-linux-latest/", "/aws/service/ecs/optimized-ami/amazon-linux"];
const amazonLinuxDevice = "/dev/xvda";

/**
 * The image that a config names, and its root device. Terraform looks it up when it plans. It stops there, with a
 * message, where the image is for another architecture or has another root device than the config says.
 */
export function findImage(scope: Construct, ami: NonNullable<Ec2ComputeConfig["ami"]>, wanted: Wanted): Image {
  if ("id" in ami) return { id: ami.id, rootDevice: lookUp(scope, byId(ami.id), wanted).rootDeviceName };
  if ("ssmParameter" in ami) {
    const { ssmParameter: name } = ami;
    // Not by `resolve:ssm:`: Auto Scaling rejects it with instances by attributes and with skip matching.
    const id = new DataAwsSsmParameter(scope, "image", { name }).insecureValue;
    if (amazonLinuxParameters.some((prefix) => name.startsWith(prefix))) return { id, rootDevice: amazonLinux(wanted) };
    return { id, rootDevice: lookUp(scope, byId(id), wanted).rootDeviceName };
  }
  const found = lookUp(scope, "stack" in ami ? builtAmi(ami.stack) : byName(ami), wanted);
  return { id: found.id, rootDevice: found.rootDeviceName };
}

/** The root device of every Amazon Linux. Throws {@link ConfigError} where the config names another. */
export function amazonLinux({ deviceName, devicePath }: Pick<Wanted, "deviceName" | "devicePath">): string {
  if (deviceName === undefined || deviceName === amazonLinuxDevice) return amazonLinuxDevice;
  throw ConfigError.at(devicePath, `must be left out or be ${amazonLinuxDevice}, the root device of Amazon Linux`);
}

type Search = Pick<DataAwsAmiConfig, "owners" | "includeDeprecated">;

function byId(id: string) {
  return { filter: [{ name: "image-id", values: [id] }], includeDeprecated: true };
}

function byName({ nameFilter, owners }: { readonly nameFilter: string; readonly owners: string[] }) {
  return { owners, filter: [{ name: "name", values: [nameFilter] }] };
}

function lookUp(
  scope: Construct,
  search: Search & { readonly filter: DataAwsAmiFilter[] },
  wanted: Wanted,
): DataAwsAmi {
  const { architecture, deviceName, devicePath } = wanted;
  // By id there is one, and a message is of more use than "no results".
  const pinned = search.owners === undefined;
  const more = [
    { name: "architecture", values: [architecture] },
    { name: "state", values: ["available"] },
  ];
  return new DataAwsAmi(scope, pinned ? "pinned-image" : "image", {
    ...search,
    mostRecent: !pinned,
    filter: pinned ? search.filter : [...search.filter, ...more],
    lifecycle: {
      postcondition: [
        ...(pinned
          ? [
              {
                condition: `\${self.architecture == "${architecture}"}`,
                errorMessage: `The image must be for ${architecture}, the architecture in the config.`,
              },
            ]
          : []),
        ...(deviceName === undefined
          ? []
          : [
              {
                condition: `\${self.root_device_name == "${deviceName}"}`,
                errorMessage: `${devicePath} is ${deviceName}, and the image has another root device: leave it out.`,
              },
            ]),
      ],
    },
  });
}

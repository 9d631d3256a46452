import { DescribeImagesCommand, type DescribeImagesCommandInput, type Image } from "@aws-sdk/client-ec2";
import { GetParameterCommand, ParameterNotFound } from "@aws-sdk/client-ssm";
import type { Finding } from "../desk/doctor/finding.ts";
import type { Block } from "../lib/terraform-json.ts";
import { machinesOf } from "./needs.ts";
import { type CheckClients, looking, type Subject } from "./subject.ts";

type Clients = Pick<CheckClients, "ec2" | "ssm">;

/** A missing image, with the words of the one who misses it. */
class Missing extends Error {}

/** Whether the AMIs that Terraform will look up exist and are for the architecture of the config. */
export async function imageFindings(subject: Subject, clients: Clients): Promise<readonly Finding[]> {
  const { made, stack } = subject;
  const architecture = machinesOf(stack.config)?.architecture;
  const ids = [...made.resources("aws_launch_template").values()].map(({ image_id: id }) => id);
  if (architecture === undefined) return [];
  const lists = await Promise.all(
    [...new Set(ids)].map((id) =>
      looking("the AMI", ["ec2:DescribeImages", "ssm:GetParameter"], async () => {
        try {
          return fits(await imagesOf(id, subject, clients), architecture, stack.config.region);
        } catch (error) {
          if (!(error instanceof Missing)) throw error;
          const what = "The AMI does not exist, or its owner does not share it with this account.";
          const todo = "Correct the AMI in the config, build it, or let its owner share it.";
          return [{ id: "ami-missing", severity: "error", what, evidence: [error.message], todo }];
        }
      }),
    ),
  );
  return lists.flat();
}

/** The images that an expression may mean, the newest first. */
async function imagesOf(expression: unknown, subject: Subject, clients: Clients): Promise<readonly Image[]> {
  const source = subject.made.referred(expression);
  if (source === undefined) return describe({ ImageIds: [String(expression)] }, String(expression), clients);
  if (source.type === "aws_ssm_parameter") {
    const id = await parameter(String(source.block.name), clients);
    return describe({ ImageIds: [id] }, `${id}, which the SSM parameter ${source.block.name} names,`, clients);
  }
  return byBlock(source.block, subject, clients);
}

/** As the AWS provider's `aws_ami` asks, but of any architecture and state: so the finding can say what there is. */
async function byBlock(block: Block, subject: Subject, clients: Clients): Promise<readonly Image[]> {
  const filters = (block.filter ?? []) as readonly { readonly name: string; readonly values: readonly unknown[] }[];
  const asked = await Promise.all(
    filters
      .filter(({ name }) => name !== "architecture" && name !== "state")
      .map(async ({ name, values }) => ({
        Name: name,
        Values: await Promise.all(
          values.map(async (value) => {
            const source = subject.made.referred(value);
            return source?.type === "aws_ssm_parameter" ? parameter(String(source.block.name), clients) : String(value);
          }),
        ),
      })),
  );
  const owners = Array.isArray(block.owners) ? block.owners.map(String) : undefined;
  const words = asked.map(({ Name, Values }) => `${Name} ${Values.join(", ")}`).join(" and ");
  const from = owners ? ` of ${owners.join(", ")}` : "";
  return describe(
    { Filters: asked, Owners: owners, IncludeDeprecated: block.include_deprecated === true },
    `of ${words}${from}`,
    clients,
  );
}

async function describe(input: DescribeImagesCommandInput, words: string, { ec2 }: Clients): Promise<readonly Image[]> {
  try {
    const { Images = [] } = await ec2.send(new DescribeImagesCommand(input));
    if (Images.length === 0) throw new Missing(`EC2 shows no AMI ${words}`);
    return Images.toSorted((one, other) => (other.CreationDate ?? "").localeCompare(one.CreationDate ?? ""));
  } catch (error) {
    if (error instanceof Error && /^InvalidAMIID\./.test(error.name)) throw new Missing(`EC2 knows no AMI ${words}`);
    throw error;
  }
}

async function parameter(Name: string, { ssm }: Clients): Promise<string> {
  try {
    return (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value ?? "";
  } catch (error) {
    if (error instanceof ParameterNotFound) throw new Missing(`There is no SSM parameter ${Name}`);
    throw error;
  }
}

function fits(images: readonly Image[], architecture: string, region: string): readonly Finding[] {
  const ready = images.filter(({ State }) => State === "available");
  if (ready.some((image) => image.Architecture === architecture)) return [];
  const [first] = images;
  const shown = images.slice(0, 3).map((each) => `EC2: ${each.ImageId} is for ${each.Architecture}, ${each.State}`);
  if (images.some((image) => image.Architecture === architecture)) {
    const what = "The AMI is not ready: no instance can start from it.";
    const todo = "Wait until it is available, or name another one.";
    return [{ id: "ami-not-ready", severity: "error", what, evidence: shown, todo }];
  }
  const what = `The AMI is for ${first?.Architecture}, and the config asks for ${architecture}.`;
  const todo = `Name an AMI for ${architecture} in ${region}, or correct the architecture.`;
  return [{ id: "ami-architecture", severity: "error", what, evidence: shown, todo }];
}

import * as z from "zod";
import type { Finding } from "../desk/doctor/finding.ts";
import { couldNotLook } from "../desk/doctor/finding.ts";
import { type CheckClients, looking, type Outcome, type Subject } from "./subject.ts";

/** An image in ECR. */
const inEcr =
  /^(?<registry>\d{12})\.dkr[.-]ecr\.(?<region>[a-z0-9-]+)\.[a-z0-9.]+\/(?<repository>[^:@]+)(?::(?<tag>[^@]+))?(?:@(?<digest>.+))?$/;

const containers = z.array(z.object({ name: z.string(), image: z.string() }));
const answer = z.object({ images: z.array(z.object({ imageManifest: z.string() })) });
const manifest = z.object({
  manifests: z.array(z.object({ platform: z.object({ architecture: z.string() }).optional() })).optional(),
});

/** Manifests as ECR keeps them; those of several platforms name each one's architecture. */
const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/** Containers name architectures as Go does. */
const inGo: Readonly<Record<string, string>> = { X86_64: "amd64", ARM64: "arm64" };

/**
 * Whether the images of agents exist in ECR, for the architecture of the config. Other registries are not asked: each
 * has its own credentials and limits.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
 */
export async function containerFindings(
  { stack, made }: Subject,
  { ecr }: Pick<CheckClients, "ecr">,
): Promise<Outcome> {
  const wanted = new Map<string, string>();
  for (const task of made.resources("aws_ecs_task_definition").values()) {
    const platform = task.runtime_platform as { readonly cpu_architecture?: string } | undefined;
    for (const { image } of imagesIn(task.container_definitions))
      wanted.set(image, platform?.cpu_architecture ?? "X86_64");
  }
  const findings: Finding[] = [];
  const notes: string[] = [];
  for (const [image, architecture] of wanted) {
    // The stack builds it.
    if (image.includes("${")) continue;
    const parts = inEcr.exec(image)?.groups;
    if (!parts) notes.push(`Whether ${image} exists: only ECR is asked.`);
    else if (parts.region !== stack.config.region) notes.push(`Whether ${image} exists: it is in another region.`);
    else {
      const look = () => examine(image, parts, inGo[architecture] ?? architecture, notes, ecr);
      findings.push(...(await looking(`the image ${image}`, ["ecr:BatchGetImage"], look)));
    }
  }
  return { findings, notes };
}

function imagesIn(definitions: unknown): z.output<typeof containers> {
  try {
    return containers.parse(JSON.parse(String(definitions)));
  } catch {
    return [];
  }
}

async function examine(
  image: string,
  { registry = "", repository = "", tag = "latest", digest }: Readonly<Record<string, string | undefined>>,
  architecture: string,
  notes: string[],
  ecr: CheckClients["ecr"],
): Promise<readonly Finding[]> {
  const missing = (evidence: string): readonly Finding[] => [
    {
      id: "image-missing",
      severity: "error",
      what: `There is no image ${image}.`,
      evidence: [evidence],
      todo: "Push it, or correct compute.image. A pull-through cache gets its repository at the first pull: pull the image once.",
    },
  ];
  const input = {
    registryId: registry,
    repositoryName: repository,
    imageIds: [digest === undefined ? { imageTag: tag } : { imageDigest: digest }],
    acceptedMediaTypes: manifestTypes,
  };
  let found: string | undefined;
  try {
    found = answer.parse(JSON.parse(await ecr("BatchGetImage", input))).images[0]?.imageManifest;
  } catch (error) {
    if (error instanceof Error && error.name === "RepositoryNotFoundException") {
      return missing(`ECR: ${registry} has no repository ${repository}`);
    }
    if (error instanceof z.ZodError)
      return [
        couldNotLook(
          `the image ${image}`,
          "ECR's answer has another form",
          "Look for the image in the console of ECR.",
        ),
      ];
    throw error;
  }
  if (found === undefined) return missing(`ECR: ${repository} has no image ${digest ?? tag}`);
  const { manifests } = manifest.parse(JSON.parse(found));
  if (manifests === undefined) {
    notes.push(`Whether ${image} is for ${architecture}: ECR says so only of images for several platforms.`);
    return [];
  }
  const there = [...new Set(manifests.flatMap(({ platform }) => platform?.architecture ?? []))];
  if (there.includes(architecture)) return [];
  return [
    {
      id: "image-architecture",
      severity: "error",
      what: `The image ${image} is not for ${architecture}, which the config asks for.`,
      evidence: [`ECR: it is for ${there.filter((each) => each !== "unknown").join(", ")}`],
      todo: "Build it for this architecture, or correct compute.architecture.",
    },
  ];
}

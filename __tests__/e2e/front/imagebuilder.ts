import { type Bridges, jsonAnswer } from "./bridge.ts";
import type { Answer, AwsCall } from "./exchange.ts";

/** The account and region of the shipped machine images. */
const arnPrefix = "arn:aws:imagebuilder:us-west-2:111122223333";

/**
 * Kinds of resources by their name in operations: their name in ARNs and arguments, and the ARN's end after a version.
 */
const kinds = {
  Component: { inArn: "component", argument: "componentBuildVersionArn", build: "/1" },
  ImageRecipe: { inArn: "image-recipe", argument: "imageRecipeArn", build: "" },
  InfrastructureConfiguration: {
    inArn: "infrastructure-configuration",
    argument: "infrastructureConfigurationArn",
    build: "",
  },
  DistributionConfiguration: {
    inArn: "distribution-configuration",
    argument: "distributionConfigurationArn",
    build: "",
  },
  ImagePipeline: { inArn: "image-pipeline", argument: "imagePipelineArn", build: "" },
  LifecyclePolicy: { inArn: "lifecycle-policy", argument: "lifecyclePolicyArn", build: "" },
} as const;

type Kind = keyof typeof kinds;

/** Defaults that AWS fills in. */
const defaults: Readonly<Record<Kind, object>> = {
  Component: { owner: "111122223333", type: "BUILD", encrypted: true, dateCreated: "2026-01-01T00:00:00Z" },
  ImageRecipe: { owner: "111122223333", platform: "Linux", dateCreated: "2026-01-01T00:00:00Z" },
  InfrastructureConfiguration: { dateCreated: "2026-01-01T00:00:00Z" },
  DistributionConfiguration: { dateCreated: "2026-01-01T00:00:00Z", timeoutMinutes: 720 },
  ImagePipeline: { platform: "Linux", status: "ENABLED", enhancedImageMetadataEnabled: true },
  LifecyclePolicy: { status: "ENABLED" },
};

const call = /^(?:GET|PUT|DELETE) \/(Create|Get|Update|Delete)(\w+)(?:\?(.*))?$/;

/**
 * Image Builder, which moto lacks: the resources of stacks, in memory. It builds nothing. As in AWS, a component or
 * recipe with the same name and version can be made only once, and nothing can be deleted while another resource names
 * it.
 */
export function imageBuilderBridges(): Bridges {
  const made = new Map<string, Readonly<Record<string, unknown>>>();

  function create(kind: Kind, input: AwsCall["input"]): Answer {
    const { inArn, argument, build } = kinds[kind];
    const { clientToken: _, semanticVersion: version, ...rest } = input;
    const arn = `${arnPrefix}:${inArn}/${input.name}${version === undefined ? "" : `/${version}${build}`}`;
    if (made.has(arn)) return failure(400, "ResourceAlreadyExistsException", arn);
    made.set(arn, { ...defaults[kind], ...rest, ...(version !== undefined && { version }), arn });
    return jsonAnswer(200, { [argument]: arn });
  }

  function remove(kind: Kind, arn: string): Answer {
    const named = [...made].some(([other, thing]) => other !== arn && JSON.stringify(thing).includes(`"${arn}"`));
    if (named) return failure(400, "ResourceDependencyException", `${arn} has other resources depended on it`);
    made.delete(arn);
    return jsonAnswer(200, { [kinds[kind].argument]: arn });
  }

  return {
    "imagebuilder:*": async ({ operation, input }) => {
      const [, verb, name = "", query] = call.exec(operation) ?? [];
      if (!isKind(name)) return failure(400, "InvalidRequestException", operation);
      if (verb === "Create") return create(name, input);
      const { argument } = kinds[name];
      const arn = String(new URLSearchParams(query).get(argument) ?? input[argument]);
      const known = made.get(arn);
      if (!known) return failure(404, "ResourceNotFoundException", arn);
      if (verb === "Delete") return remove(name, arn);
      if (verb === "Update") {
        const { clientToken: _, [argument]: __, ...changes } = input;
        made.set(arn, { ...defaults[name], name: known.name, tags: known.tags, ...changes, arn });
        return jsonAnswer(200, { [argument]: arn });
      }
      return jsonAnswer(200, { [name.charAt(0).toLowerCase() + name.slice(1)]: shown(name, known) });
    },
  };
}

/** A resource as AWS returns it. */
function shown(kind: Kind, thing: Readonly<Record<string, unknown>>): object {
  const { schedule } = thing;
  return kind === "ImagePipeline" && typeof schedule === "object"
    ? { ...thing, schedule: { timezone: "UTC", ...schedule } }
    : thing;
}

function isKind(name: string): name is Kind {
  return Object.hasOwn(kinds, name);
}

function failure(status: number, type: string, message: string): Answer {
  const answer = jsonAnswer(status, { message });
  return { ...answer, headers: { ...answer.headers, "x-amzn-errortype": type } };
}

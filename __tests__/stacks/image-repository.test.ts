import { describe, expect, it } from "vitest";
import { kmsKeyArn, stack, synthesize } from "./image-build.ts";
import { resources, type Synthesized } from "./synth.ts";

describe("the repositories of images", () => {
  const repositoryOf = (of: Synthesized, name: string) =>
    resources(of, "aws_ecr_repository").find((repository) => String(repository.name).endsWith(`/${name}`));

  it("keeps versions under tags that never change, and one tag that names the current one", () => {
    expect(resources(stack, "aws_ecr_repository")).toHaveLength(2);
    expect(repositoryOf(stack, "versions")).toMatchObject({
      name: "agent-fleets/ci/versions",
      image_tag_mutability: "IMMUTABLE",
      image_scanning_configuration: { scan_on_push: true },
      encryption_configuration: [{ encryption_type: "AES256" }],
      force_delete: true,
    });
    expect(repositoryOf(stack, "current")).toMatchObject({
      name: "agent-fleets/ci/current",
      image_tag_mutability: "MUTABLE",
      image_scanning_configuration: { scan_on_push: true },
    });
    expect(stack.output?.current?.value).toMatch(
      /^\$\{aws_ecr_repository\.images_current_\w+\.repository_url\}:agent$/,
    );
  });

  it("drop what was replaced, and keep so many versions", () => {
    const policies = resources(synthesize({ config: { keep: 3, keepReplacedDays: 2 } }), "aws_ecr_lifecycle_policy");
    const rules = policies.map(({ policy }) =>
      JSON.parse(String(policy)).rules.map((rule: { selection: object }) => rule.selection),
    );
    const replaced = { tagStatus: "untagged", countType: "sinceImagePushed", countUnit: "days", countNumber: 2 };
    expect(rules).toEqual(
      expect.arrayContaining([
        [replaced, { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 3 }],
        [replaced],
      ]),
    );
  });

  it("are encrypted with the stack's key, and kept from being deleted where the config says so", () => {
    const other = synthesize({ kmsKeyArn, config: { forceDelete: false } });
    for (const repository of resources(other, "aws_ecr_repository")) {
      expect(repository).toMatchObject({
        force_delete: false,
        encryption_configuration: [{ encryption_type: "KMS", kms_key: kmsKeyArn }],
      });
    }
  });

  it("have names that ECR takes, whatever the stack's", () => {
    for (const name of ["ci", "a--b", "a---b-c0"]) {
      for (const repository of resources(synthesize({ name }), "aws_ecr_repository")) {
        expect(repository.name).toMatch(/^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/);
      }
    }
  });
});

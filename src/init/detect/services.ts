import { parse } from "yaml";
import { inFolder, type Repository } from "../repository.ts";
import { isGroup, text } from "./node.ts";

/** A container that the tests need beside them, in a compose file or in a job of another workflow. */
export interface Service {
  name: string;
  image: string;
  /** As in a workflow: `6379:6379`. */
  ports: string[];
  environment: Record<string, string>;
  options: string | undefined;
  kind: StoreKind;
  /** The file that names it. */
  from: string;
}

export type StoreKind = "redis" | "database" | "other";

const kinds: readonly (readonly [RegExp, StoreKind, port: number, health: string | undefined])[] = [
  [/(?:^|\/)(?:redis|valkey|redis-stack(?:-server)?|keydb|dragonfly)(?=:|@|$)/, "redis", 6379, "redis-cli ping"],
  [/(?:^|\/)(?:postgres|postgis|pgvector|timescaledb)(?=:|@|$)/, "database", 5432, "pg_isready"],
  [/(?:^|\/)(?:mysql|mariadb)(?=:|@|$)/, "database", 3306, undefined],
  [/(?:^|\/)mongo(?=:|@|$)/, "database", 27017, undefined],
  [/(?:^|\/)(?:rabbitmq)(?=:|@|$)/, "other", 5672, undefined],
  [/(?:^|\/)(?:elasticsearch|opensearch)(?=:|@|$)/, "other", 9200, undefined],
  [/(?:^|\/)(?:memcached)(?=:|@|$)/, "other", 11211, undefined],
  [/(?:^|\/)(?:nats)(?=:|@|$)/, "other", 4222, undefined],
  [/(?:^|\/)(?:localstack|minio|mailhog|mailpit)(?=:|@|$)/, "other", 4566, undefined],
];

const composeFiles = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

export interface Containers {
  services: Service[];
  /** Ports of this machine that a compose file gives to images built here. */
  ownPorts: number[];
}

export function detectContainers(repository: Repository): Containers {
  const compose = composeFiles
    .flatMap((name) => [inFolder(repository, name), name])
    .find((path) => repository.files.includes(path));
  const described = compose === undefined ? {} : group(group(yamlAt(repository, compose)).services);
  const fromCompose = Object.entries(described).flatMap(([name, service]) => serviceOf(name, service, compose ?? "") ?? []);
  const known = new Set(fromCompose.map(({ kind, image }) => `${kind} ${stem(image)}`));
  const fromWorkflows = workflowsOf(repository)
    .flatMap(({ file, jobs }) =>
      Object.values(jobs).flatMap((job) =>
        Object.entries(group(group(job).services)).flatMap(([name, service]) => serviceOf(name, service, file) ?? []),
      ),
    )
    .filter((service, index, all) => all.findIndex(({ image }) => stem(image) === stem(service.image)) === index)
    .filter(({ kind, image }) => !known.has(`${kind} ${stem(image)}`));
  const own = Object.values(described).filter((service) => group(service).build !== undefined);
  return {
    services: [...fromCompose, ...fromWorkflows],
    ownPorts: own.flatMap((service) => portsOf(group(service).ports).map((port) => Number(port.split(":")[0]))),
  };
}

/** Only well-known images: what else a compose file starts may be the application itself. */
function serviceOf(name: string, written: unknown, from: string): Service | undefined {
  const service = group(written);
  const image = text(service.image);
  const known = kinds.find(([pattern]) => image !== undefined && pattern.test(image));
  if (image === undefined || !known || /[$\s]/.test(image)) return undefined;
  const [, kind, port, health] = known;
  const ports = portsOf(service.ports);
  return {
    name: name.replace(/[^\w-]/g, "-"),
    image,
    ports: ports.length > 0 ? ports : [`${port}:${port}`],
    environment: literalsOf(service.environment ?? service.env),
    options:
      health === undefined ? undefined : `--health-cmd "${health}" --health-interval 5s --health-timeout 5s --health-retries 10`,
    kind,
    from,
  };
}

function portsOf(written: unknown): string[] {
  const list = Array.isArray(written) ? written : [];
  return list.flatMap((one: unknown) => {
    const entry = group(one);
    const said = entry.target === undefined ? String(one) : `${String(entry.published ?? entry.target)}:${String(entry.target)}`;
    const found = /^(?:\d+\.[\d.]+:)?(\d+)(?::(\d+))?(?:\/tcp)?$/.exec(said);
    return found ? [`${found[1]}:${found[2] ?? found[1]}`] : [];
  });
}

/** Values that the file shows itself. One from elsewhere can't be copied. */
function literalsOf(written: unknown): Record<string, string> {
  const pairs: (readonly [string, unknown])[] = Array.isArray(written)
    ? written.map((line) => {
        const [name = "", ...rest] = String(line).split("=");
        return [name, rest.join("=")] as const;
      })
    : Object.entries(group(written));
  return Object.fromEntries(
    pairs.flatMap(([name, value]) => {
      const said = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
      return /^[A-Za-z_]\w*$/.test(name) && typeof said === "string" && said !== "" && !said.includes("$") ? [[name, said]] : [];
    }),
  );
}

function stem(image: string): string {
  return image.replace(/[:@].*$/, "");
}

export interface Workflow {
  file: string;
  jobs: Record<string, unknown>;
  text: string;
}

/** The workflows that GitHub reads. */
export function workflowsOf(repository: Repository): Workflow[] {
  return repository.files
    .filter((file) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(file))
    .map((file) => ({ file, jobs: group(group(yamlAt(repository, file)).jobs), text: repository.read(file) ?? "" }));
}

function yamlAt(repository: Repository, path: string): unknown {
  try {
    return parse(repository.read(path) ?? "", { logLevel: "silent" });
  } catch {
    return undefined;
  }
}

function group(value: unknown): Record<string, unknown> {
  return isGroup(value) ? value : {};
}

import { setTimeout as delay } from 'node:timers/promises';
import { attack, type ConnectionScene } from './connections.ts';
import type { KillableService } from './service.ts';
import type { SmallDisk } from './small-disk.ts';

/** A fault that the service survives without being restarted. */
export type SceneName = 'database-hang' | 'full-disk' | 'encoder-kill' | 'encoder-hang' | ConnectionScene;

export const SCENES: readonly SceneName[] = [
  'database-hang',
  'full-disk',
  'encoder-kill',
  'encoder-hang',
  'idle-connections',
  'slow-loris',
  'header-flood',
];

/** Longer than the service takes to notice that the database or the encoder does not respond. */
const HANG_MS = 8_000;
const FULL_MS = 6_000;
/** Time for the usage events that were held while the disk was full. */
const SETTLE_MS = 3_000;

/** The running service, and the disk that it stores its data on. */
interface Stage {
  url: string;
  service: KillableService;
  /** Undefined where no disk of a fixed size could be mounted. */
  disk: SmallDisk | undefined;
  embeds: boolean;
}

/** Returns the reason why a scene cannot be played here; undefined when it can. */
export function obstacleTo(scene: SceneName, { disk, embeds }: Stage): string | undefined {
  if (scene === 'full-disk' && !disk) return 'a disk of a fixed size can be mounted only as root on Linux';
  if (scene.startsWith('encoder') && !embeds) return 'it takes --embedder';
  return undefined;
}

/** Plays a scene: causes the fault, waits, and ends it. */
export async function play(scene: SceneName, { service, disk, url }: Stage): Promise<void> {
  if (scene === 'encoder-kill') return service.killEncoder();
  const end = await begin(scene, service, disk, url);
  await delay(scene === 'full-disk' ? FULL_MS : HANG_MS);
  await end();
  if (scene === 'full-disk') await delay(SETTLE_MS);
}

async function begin(
  scene: Exclude<SceneName, 'encoder-kill'>,
  service: KillableService,
  disk: SmallDisk | undefined,
  url: string,
): Promise<() => void | Promise<void>> {
  if (scene === 'database-hang') return service.suspendDatabase();
  if (scene === 'encoder-hang') return service.suspendEncoder();
  if (scene !== 'full-disk') return attack(scene, url);
  if (!disk) throw new Error('there is no disk to fill');
  return disk.fill();
}

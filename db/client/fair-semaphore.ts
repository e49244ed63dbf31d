/** Limits of a {@link FairSemaphore}. */
export interface FairSemaphoreOptions {
  /** Permits in all. */
  permits: number;
  /** Permits that a tenant may hold at once. Read whenever it asks for one, and when one becomes free. */
  permitsPerTenant: number | ((tenant: string) => number);
  /** Callers of one tenant that may wait. Unbounded by default. */
  waitingPerTenant?: number;
  /** Callers of all tenants that may wait. Unbounded by default. */
  waitingMax?: number;
  /** Maximum wait for a permit, in milliseconds. */
  waitMs: number;
}

/** A caller got no permit: too many callers wait, or the wait took too long. Nothing was done. */
export class NoPermitError extends Error {
  /** `tenant` when the tenant's own callers hold or wait for all that it may have, `everybody` when all callers together do. */
  readonly heldBy: 'tenant' | 'everybody';

  constructor(heldBy: 'tenant' | 'everybody') {
    super(`no permit: ${heldBy === 'tenant' ? "the tenant's share is" : 'all are'} in use`);
    this.name = 'NoPermitError';
    this.heldBy = heldBy;
  }
}

/** Shares permits fairly between tenants: one that has many callers waiting delays its own, not those of others. */
export interface FairSemaphore {
  /**
   * Runs `work` with a permit. A tenant's callers are served in their order, waiting tenants in turn.
   * @throws NoPermitError without having run `work`
   */
  run<T>(tenant: string, work: () => Promise<T>): Promise<T>;
}

interface Tenant {
  held: number;
  /** Functions that hand a permit over, first come first served. */
  waiting: Set<() => void>;
}

export function createFairSemaphore({
  permits,
  permitsPerTenant,
  waitingPerTenant = Number.POSITIVE_INFINITY,
  waitingMax = Number.POSITIVE_INFINITY,
  waitMs,
}: FairSemaphoreOptions): FairSemaphore {
  /** Tenants that hold or wait for permits, in the order of their turns: one that waited and was served goes to the end. */
  const tenants = new Map<string, Tenant>();
  let held = 0;
  let waitingCount = 0;

  const shareOf = (id: string): number =>
    typeof permitsPerTenant === 'number' ? permitsPerTenant : permitsPerTenant(id);

  const tenantOf = (id: string): Tenant => {
    const tenant = tenants.get(id) ?? { held: 0, waiting: new Set() };
    tenants.set(id, tenant);
    return tenant;
  };

  const acquire = (id: string): Promise<void> | undefined => {
    const tenant = tenantOf(id);
    serveWaiting();
    // A tenant below its share waits only while all permits are held: no tenant has a claim to a free one.
    if (held < permits && tenant.held < shareOf(id)) {
      held++;
      tenant.held++;
      return undefined;
    }
    if (tenant.waiting.size >= waitingPerTenant) return Promise.reject(new NoPermitError('tenant'));
    if (waitingCount >= waitingMax) return Promise.reject(new NoPermitError('everybody'));
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        tenant.waiting.delete(take);
        waitingCount--;
      };
      const take = () => {
        leave();
        resolve();
      };
      const timer = setTimeout(() => {
        serveWaiting();
        if (!tenant.waiting.has(take)) return;
        leave();
        reject(new NoPermitError(tenant.held >= shareOf(id) ? 'tenant' : 'everybody'));
        forgetIdle(id, tenant);
      }, waitMs);
      tenant.waiting.add(take);
      waitingCount++;
    });
  };

  const release = (id: string): void => {
    const tenant = tenantOf(id);
    held--;
    tenant.held--;
    forgetIdle(id, tenant);
    serveWaiting();
  };

  /** Hands out free permits until no tenant that waits is below its share: more than one at a time where a share has grown. */
  const serveWaiting = (): void => {
    while (waitingCount > 0 && held < permits && serveNext());
  };

  /** Hands a free permit to the next tenant that waits and is below its share. Returns false when there is none. */
  const serveNext = (): boolean => {
    for (const [id, tenant] of tenants) {
      const [take] = tenant.waiting;
      if (!take || tenant.held >= shareOf(id)) continue;
      held++;
      tenant.held++;
      tenants.delete(id);
      tenants.set(id, tenant);
      take();
      return true;
    }
    return false;
  };

  const forgetIdle = (id: string, tenant: Tenant): void => {
    if (tenant.held === 0 && tenant.waiting.size === 0) tenants.delete(id);
  };

  return {
    async run(tenant, work) {
      const turn = acquire(tenant);
      if (turn) await turn;
      try {
        return await work();
      } finally {
        release(tenant);
      }
    },
  };
}

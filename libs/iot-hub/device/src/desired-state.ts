import { applyTwinPatch, type TwinProperties } from './twin-patch.js';

/** The desired properties as they are now, after a connect or a change. */
export interface DesiredPropertiesChange {
  /** All of them, with their `$version`. */
  desired: TwinProperties;
  /** Only what changed; undefined after a connect, when anything may have. */
  patch: TwinProperties | undefined;
}

/** Puts the desired properties together from the twin as read at connect and the patches that follow. */
export class DesiredState {
  private desired: TwinProperties | undefined;
  private early: TwinProperties[] = [];

  constructor(private readonly onChange: (change: DesiredPropertiesChange) => void) {}

  /** Takes the whole collection as it was read, then the patches that came while it was being read. */
  reset(desired: TwinProperties): void {
    this.desired = desired;
    this.onChange({ desired, patch: undefined });
    for (const patch of this.early.splice(0)) this.patch(patch);
  }

  /** Takes one change; a version that is known already is left out. */
  patch(patch: TwinProperties): void {
    if (!this.desired) {
      this.early.push(patch);
      return;
    }
    if (versionOf(patch) <= versionOf(this.desired)) return;
    this.desired = applyTwinPatch(this.desired, patch);
    this.onChange({ desired: this.desired, patch });
  }
}

function versionOf({ $version }: TwinProperties): number {
  return typeof $version === 'number' ? $version : 0;
}

import { BlobStorage } from '#libs/blob-storage';
import { Injectable } from '@nestjs/common';
import { ReadinessCheck, type ReadinessChecker, type ReadinessReport } from '../../health/readiness-check.js';

/** Whether the storage answers, by the cheapest question that every kind of credentials may ask. */
@Injectable()
@ReadinessCheck({ name: 'blob_storage', required: true })
export class BlobStorageHealth implements ReadinessChecker {
  constructor(private readonly storage: BlobStorage) {}

  async check(signal: AbortSignal): Promise<ReadinessReport> {
    await this.storage.probe(signal);
    return { healthy: true, reason: 'The blob storage answers.' };
  }
}

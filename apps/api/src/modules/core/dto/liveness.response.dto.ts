export class LivenessResponse {
  status: 'live';
}

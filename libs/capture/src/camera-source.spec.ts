import { cameraSource, describeSource } from './camera-source.js';

describe(cameraSource.name, () => {
  it.each([
    [undefined, { kind: 'device', device: 4 }],
    ['', { kind: 'device', device: 4 }],
    ['2', { kind: 'device', device: 2 }],
    ['/dev/video2', { kind: 'device', device: '/dev/video2' }],
    ['rtsp://host/stream', { kind: 'stream', url: 'rtsp://host/stream' }],
    ['HTTPS://host/a.jpg', { kind: 'stream', url: 'HTTPS://host/a.jpg' }],
    ['testsrc', { kind: 'test', graph: 'testsrc' }],
    ['testsrc=size=640x480:rate=30', { kind: 'test', graph: 'testsrc=size=640x480:rate=30' }],
    ['smptebars,scale=320:-1', { kind: 'test', graph: 'smptebars,scale=320:-1' }],
    ['lavfi:anything=1', { kind: 'test', graph: 'anything=1' }],
    ['testsrc.mp4', { kind: 'file', path: 'testsrc.mp4' }],
    ['color/people.mp4', { kind: 'file', path: 'color/people.mp4' }],
    [' docs/assets/people.mp4 ', { kind: 'file', path: 'docs/assets/people.mp4' }],
    ['/srv/people.mp4', { kind: 'file', path: '/srv/people.mp4' }],
  ])('reads %j', (setting, expected) => {
    expect(cameraSource(4, setting)).toEqual(expected);
  });
});

describe(describeSource.name, () => {
  it.each([
    ['', 'camera 4'],
    ['/dev/video2', '/dev/video2'],
    ['rtsp://user:hidden@host:8554/stream?token=hidden', 'rtsp://host:8554/stream'],
    ['http://%%', 'network stream'],
    ['testsrc=size=640x480', 'test source testsrc'],
    ['/srv/cameras/people.mp4', 'video file people.mp4'],
  ])('names %j without what is secret', (setting, expected) => {
    expect(describeSource(cameraSource(4, setting))).toBe(expected);
  });
});

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const silence = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA='

const imageBlock = { type: 'image', mimeType: 'image/png', data: pixel }
const resourceBlock = { type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }

export const image = () => ({ content: [imageBlock] })
export const audio = () => ({ content: [{ type: 'audio', mimeType: 'audio/wav', data: silence }] })
export const embeddedResource = () => ({ content: [resourceBlock] })
export const mixed = () => ({ content: [{ type: 'text', text: 'Multiple content types test:' }, imageBlock, resourceBlock] })
export const failure = () => { throw new Error('This tool intentionally returns an error for testing') }

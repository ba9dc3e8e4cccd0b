declare module 'heic-decode' {
  type Picture = { width: number; height: number; data: Uint8ClampedArray }
  type Pending = { width: number; height: number; decode(): Promise<Picture> }
  function decode(input: { buffer: Uint8Array }): Promise<Picture>
  namespace decode {
    function all(input: { buffer: Uint8Array }): Promise<Pending[] & { dispose(): void }>
  }
  export default decode
}

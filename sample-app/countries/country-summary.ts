import { ApiProperty } from '@nestjs/swagger';

/** A city in a country's summary. */
export class LargestCity {
  @ApiProperty({ example: 2950159 })
  id!: number;

  @ApiProperty({ example: 'Berlin' })
  name!: string;

  @ApiProperty({ example: 3426354 })
  population!: number;
}

/** A country by its cities; people outside of them are not counted. */
export class CountrySummary {
  @ApiProperty({ example: 'DE' })
  country!: string;

  @ApiProperty({ example: 'Germany' })
  name!: string;

  @ApiProperty()
  cities!: number;

  @ApiProperty({ description: 'of all cities together' })
  population!: number;

  @ApiProperty({ description: "by its cities' population, among all countries; 1 is the largest" })
  rank!: number;

  @ApiProperty({ description: 'population of the city in the middle' })
  medianCity!: number;

  @ApiProperty({ type: [LargestCity] })
  largest!: LargestCity[];
}

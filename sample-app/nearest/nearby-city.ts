import { ApiProperty } from '@nestjs/swagger';
import { City } from '../cities/city.entity.js';

/** A city and how far it is from where was asked. */
export class NearbyCity {
  @ApiProperty({ description: 'along the great circle', example: 0.7 })
  km!: number;

  @ApiProperty({ type: City })
  city!: City;
}

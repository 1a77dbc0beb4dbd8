import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsString, Length, Max, Min, NotContains, ValidateIf } from 'class-validator';

/** What may be changed of a city: one of these at least. */
export class CityChanges {
  @ApiPropertyOptional({ example: 'Spree-Athen', minLength: 1, maxLength: 200 })
  @ValidateIf(({ name, population }: CityChanges) => name !== undefined || population === undefined)
  @IsString()
  @Length(1, 200)
  @NotContains('\0')
  name?: string;

  @ApiPropertyOptional({ example: 3755251, minimum: 0, maximum: 2_147_483_647 })
  @ValidateIf(({ name, population }: CityChanges) => population !== undefined || name === undefined)
  @IsInt()
  @Min(0)
  @Max(2_147_483_647)
  population?: number;
}
